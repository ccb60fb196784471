/** The OpenAPI 3.1 document of a table of routes. */
import type { ApiErrorCode } from '../http/errors.ts'
import type { RouteDefinition } from '../http/route.ts'
import { version } from '../version.ts'
import { ERROR_CODE_NAMES, ERROR_CODES } from './error-codes.ts'
import { byStatus, errorName, ErrorResponses } from './error-responses.ts'
import { errorsOf } from './errors-of.ts'
import { HEADERS, PARAMETERS } from './headers.ts'
import { type Components, type JsonSchema, jsonSchema } from './json-schema.ts'
import { answerExample, operationOf } from './operation.ts'
import { SECURITY_SCHEMES } from './security.ts'
import { TAG_OBJECTS } from './tags.ts'

/** A document, as far as its readers here look into it. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly info: JsonSchema
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>
}

const DESCRIPTION = `The control plane of LLM agents: who may run which agent, what it may spend, and where every microdollar went.

- **Money** is in US dollars with at most 6 decimals; such fields end in \`_usd\`.
- **Times** are ISO-8601 in UTC with milliseconds; any RFC 3339 date-time is taken.
- **Bodies** are JSON; unknown fields and unknown query parameters are refused. Clients ignore fields of answers they do not know.
- **Lists** that change have pages (\`page\`, \`per_page\`), logs have cursors (\`after\`, \`limit\`, \`order\`; \`next_cursor\` is null at the end).
- **Errors** are \`{ error, code, details? }\` on every answer that is not a success: \`code\` is stable, \`error\` is for people. What is outside your scope does not exist: 404. A path that does not exist is 404 \`NOT_FOUND\`, another method of one that does 405 \`METHOD_NOT_ALLOWED\`.
- **Rate limits** are told by \`RateLimit-Limit\`, \`RateLimit-Remaining\` and \`RateLimit-Reset\`; a refusal is 429 with \`Retry-After\`.
- **HEAD** answers as GET without a body, **OPTIONS** with \`Allow\`. \`/api\` is the same as \`/api/v1\`.`

/** Builds the document. */
export function buildDocument(routes: readonly RouteDefinition[]): OpenApiDocument {
  const components: Components = {}
  const errors = new ErrorResponses(routes.flatMap((route) => [...byStatus(errorsOf(route))]))
  const paths: Record<string, Record<string, JsonSchema>> = {}
  for (const route of routes) {
    const operations = (paths[route.path] ??= {})
    operations[route.method.toLowerCase()] = operationOf(route, components, errors)
  }
  const examples = Object.fromEntries(ERROR_CODE_NAMES.map((code) => [errorName(code), errorExample(code)]))
  for (const code of ERROR_CODE_NAMES) components[errorName(code)] = errorSchema(code, components)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Iron control API',
      version,
      summary: 'Budgets, leases and credentials of LLM agents',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api/v1', description: 'This server' }],
    tags: TAG_OBJECTS,
    paths,
    components: {
      schemas: { ...components, Error: ANY_ERROR },
      responses: errors.components,
      parameters: PARAMETERS,
      headers: HEADERS,
      examples,
      securitySchemes: SECURITY_SCHEMES,
    },
  } as OpenApiDocument
}

/** Whatever error there is: for clients that handle them all alike. */
const ANY_ERROR: JsonSchema = {
  type: 'object',
  description: 'Every response that is not a success. The schema of each code describes its `details`.',
  required: ['error', 'code'],
  properties: {
    error: { type: 'string', description: 'For humans; may change.' },
    code: { type: 'string', enum: ERROR_CODE_NAMES, description: 'Stable.' },
    details: { type: 'object', additionalProperties: true },
  },
}

function errorSchema(code: ApiErrorCode, components: Components): JsonSchema {
  const { meaning, details, mayLackDetails } = ERROR_CODES[code]
  return {
    type: 'object',
    description: `${meaning}.`,
    required: ['error', 'code', ...(details === undefined || mayLackDetails === true ? [] : ['details'])],
    properties: {
      error: { type: 'string' },
      code: { type: 'string', enum: [code] },
      ...(details === undefined ? {} : { details: jsonSchema(details, components) }),
    },
  }
}

function errorExample(code: ApiErrorCode): JsonSchema {
  const { meaning, text, details } = ERROR_CODES[code]
  const value = { error: text, code, ...(details === undefined ? {} : { details: answerExample(details) }) }
  return { summary: meaning, value }
}

/** One route as an operation of the document. */
import type { TSchema } from '../http/schemas.ts'
import { RATE_CLASSES } from '../http/rate-classes.ts'
import type { RouteDefinition } from '../http/route.ts'
import { byStatus } from './error-responses.ts'
import { errorsOf, takesBody } from './errors-of.ts'
import { exampleOf } from './example.ts'
import { headersOf, OF_EVERY_ANSWER } from './headers.ts'
import { type Components, type JsonSchema, jsonSchema } from './json-schema.ts'
import { permissionsOf, securityOf } from './security.ts'
import { tagOf } from './tags.ts'
import type { ErrorResponses } from './error-responses.ts'

/** What query parameters mean that many routes have. */
const PARAMETER_TEXTS: Readonly<Record<string, string>> = {
  page: 'Which page, from 1.',
  per_page: 'Rows of a page; 50 by default.',
  sort: 'A field, descending with `-` before it.',
  after: 'The `next_cursor` of the part before.',
  limit: 'Rows of a part; 100 by default.',
  order: '`desc` = newest first.',
  from: 'Start of the half-open range, included.',
  to: 'End of the half-open range, excluded.',
  period: 'Instead of `from` and `to`; `all-time` by default, in UTC.',
  owner_id: 'For admins.',
  since: 'The last `seq` that was processed: what came after it is sent first.',
}

const SUCCESS_TEXTS: Readonly<Record<number, string>> = {
  101: 'The WebSocket is open.',
  200: 'Done.',
  201: 'Made.',
  204: 'Done; there is nothing to say.',
}

/** The operation of a route. */
export function operationOf(route: RouteDefinition, components: Components, errors: ErrorResponses): JsonSchema {
  const parameters = [...pathParameters(route, components), ...queryParameters(route, components)]
  if (route.idempotency !== undefined) parameters.push({ $ref: '#/components/parameters/IdempotencyKey' })
  const body = requestBody(route, components)
  return {
    operationId: operationId(route),
    tags: [tagOf(route.path)],
    summary: route.summary,
    description: descriptionOf(route),
    security: securityOf(route),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { ...successes(route, components), ...refusals(route, errors) },
    'x-iron-rate-class': route.rateLimit,
    ...(route.audit.length === 0 ? {} : { 'x-iron-audit': route.audit }),
  }
}

function descriptionOf(route: RouteDefinition): string {
  const { count, seconds, key } = RATE_CLASSES[route.rateLimit]
  const permissions = permissionsOf(route).map((name) => `\`${name}\``)
  const sentences = [
    permissions.length === 0 ? '' : `People need ${permissions.join(' and ')}.`,
    route.agentPermission === undefined ? '' : `The agent's token needs \`${route.agentPermission}\`.`,
    `Rate class \`${route.rateLimit}\`: ${count} in ${seconds} s for each ${key}, unless configured otherwise.`,
    route.audit.length === 0 ? '' : `Audited as ${route.audit.map((name) => `\`${name}\``).join(', ')}.`,
    route.method === 'PATCH' ? 'PUT on this path does the same.' : '',
    route.atRoot === true ? 'Also answers at the root of the server.' : '',
  ]
  return sentences.filter((sentence) => sentence !== '').join(' ')
}

/** `GET /agents/{id}/leases/{lease_id}` → `getAgentLease`: a collection's name becomes that of one before a parameter. */
function operationId({ method, path }: RouteDefinition): string {
  const segments = path.slice(1).split('/')
  const words = segments.flatMap((segment, index) => {
    if (segment.startsWith('{')) return []
    const isOne = segments[index + 1]?.startsWith('{') === true
    if (!isOne) return [segment]
    return [segment.endsWith('s') ? segment.slice(0, -1) : `${segment}-entry`]
  })
  const pascal = words.join('-').replace(/(^|[-._])([a-z])/g, (_, __, letter: string) => letter.toUpperCase())
  return `${method.toLowerCase()}${pascal}`
}

function pathParameters({ params = {} }: RouteDefinition, components: Components): JsonSchema[] {
  return Object.entries(params).map(([name, { prefix }]) => ({
    name,
    in: 'path',
    required: true,
    schema: jsonSchema({ type: 'string', ironId: prefix }, components),
  }))
}

interface Fields {
  readonly properties?: Readonly<Record<string, TSchema>>
  readonly required?: readonly string[]
}

function queryParameters({ query }: RouteDefinition, components: Components): JsonSchema[] {
  const { properties = {}, required = [] } = (query ?? {}) as Fields
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(PARAMETER_TEXTS[name] === undefined ? {} : { description: PARAMETER_TEXTS[name] }),
    schema: jsonSchema(schema, components),
  }))
}

/** The token that an agent may send in the body is no field of the message (http-api 2). */
const IC_TOKEN_FIELD = {
  type: 'string',
  maxLength: 2_003,
  writeOnly: true,
  description: 'The IC token, for clients that cannot set a header.',
} as const

function requestBody(route: RouteDefinition, components: Components): JsonSchema | undefined {
  if (!takesBody(route)) return undefined
  const isOfAgent = route.auth === 'agent'
  if (route.body === undefined && !isOfAgent) return undefined
  const empty = { type: 'object', properties: {}, additionalProperties: false }
  const schema = jsonSchema(route.body ?? empty, components)
  const { properties = {}, required = [] } = schema as Fields
  const fields = isOfAgent ? { ...properties, ic_token: IC_TOKEN_FIELD } : properties
  const { example } = route
  return {
    required: required.length > 0 || schema['minProperties'] !== undefined || schema['anyOf'] !== undefined,
    content: {
      'application/json': {
        schema: { ...schema, properties: fields },
        ...(example === undefined ? {} : { example }),
      },
    },
  }
}

/** The example of a scalar follows from its kind. */
function scalarExample(schema: unknown): unknown {
  const { examples } = jsonSchema(schema, {}) as { readonly examples?: readonly unknown[] }
  if (examples === undefined) throw new Error(`a field of an answer shows no example: ${JSON.stringify(schema)}`)
  return examples[0]
}

/** An example of what an answer is. */
export const answerExample = (schema: unknown): unknown => exampleOf(schema, scalarExample)

function successes(route: RouteDefinition, components: Components): JsonSchema {
  const answers = Object.entries(route.answers).map(([status, answer]) => {
    const names: string[] = [...OF_EVERY_ANSWER]
    if (201 in route.answers) names.push('Location')
    if (route.idempotency === 'stored') names.push('Idempotency-Replayed')
    const content = answer === null ? {} : { content: contentOf(answer, components) }
    return [status, { description: SUCCESS_TEXTS[Number(status)] ?? 'Done.', headers: headersOf(names), ...content }]
  })
  return Object.fromEntries(answers) as JsonSchema
}

function contentOf(answer: TSchema | string, components: Components): JsonSchema {
  if (typeof answer === 'string') return { [answer]: { schema: { type: 'string' } } }
  return { 'application/json': { schema: jsonSchema(answer, components), example: answerExample(answer) } }
}

function refusals(route: RouteDefinition, errors: ErrorResponses): JsonSchema {
  return Object.fromEntries([...byStatus(errorsOf(route))].map(([status, codes]) => [status, errors.of(status, codes)]))
}

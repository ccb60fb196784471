/**
 * Holds every exchange of a test against the OpenAPI document: answers must be what it says, bodies that were taken must be what
 * it allows. Objects may have no field that the document does not name.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { buildDocument } from '../../src/openapi/document.ts'
import { routes } from '../../src/routes/index.ts'
import type { Exchange } from './http-client.ts'

type Schema = Readonly<Record<string, unknown>>
interface Response {
  readonly $ref?: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}
interface Operation {
  readonly parameters?: readonly { readonly $ref?: string; readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly required: boolean; readonly content: { 'application/json': { schema: Schema } } }
  readonly responses: Readonly<Record<string, Response>>
}

const FORMATS = {
  'date-time': /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/,
  uri: (text: string) => URL.canParse(text),
  password: true,
} as const

/** Objects with named fields and without a word on others: closed, so that an answer cannot have what the document hides. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const parts = Object.fromEntries(
    Object.entries(schema).map(([name, part]) => [name, name === 'examples' ? part : closed(part)]),
  )
  const isOpen = parts['type'] !== undefined && 'properties' in parts && !('additionalProperties' in parts)
  return isOpen ? { ...parts, additionalProperties: false } : parts
}

/** Where the document's schemas are found by their references. */
const DOCUMENT = 'openapi.json'
const document = closed(JSON.parse(JSON.stringify(buildDocument(routes)))) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly responses: Readonly<Record<string, Response>> }
}
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: FORMATS, validateSchema: false, logger: false })
ajv.addSchema({ $id: DOCUMENT, components: document.components })
const compiled = new Map<Schema, ValidateFunction>()

/** What is wrong with a value, or undefined. */
export function faultsOf(schema: Schema, value: unknown): string | undefined {
  let validate = compiled.get(schema)
  if (validate === undefined) {
    const absolute = JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${DOCUMENT}#/`)
    compiled.set(schema, (validate = ajv.compile(JSON.parse(absolute) as Schema)))
  }
  return validate(value) ? undefined : ajv.errorsText(validate.errors, { separator: '; ' })
}

/** Paths with few parameters before those with many: `/audit/verify` is not an entry's. */
const PATHS = Object.keys(document.paths)
  .map((template) => ({
    template,
    parameters: template.split('{').length - 1,
    form: new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
  }))
  .sort((one, other) => one.parameters - other.parameters)

/** The operation that an exchange is one of, if any. */
function operationOf(method: string, path: string): [name: string, operation: Operation] | undefined {
  const bare = path.replace(/[?#].*$/s, '').replace(/^\/api(\/v1)?(?=\/)/, '')
  const template = PATHS.find(({ form }) => form.test(bare))?.template ?? ''
  const operations = document.paths[template] ?? {}
  const operation = operations[method.toLowerCase()] ?? (method === 'PUT' ? operations['patch'] : undefined)
  return operation === undefined ? undefined : [`${method} ${template}`, operation]
}

/** @throws Error when the exchange is not as the document says */
export function checkDocumented({ method, path, sent, sentHeaders, answer }: Exchange): void {
  const found = operationOf(method, path)
  if (method === 'HEAD' || method === 'OPTIONS') return
  if (found === undefined) {
    const faults = faultsOf({ $ref: '#/components/schemas/Error' }, answer.body)
    if (answer.status < 400 || faults !== undefined)
      throw undocumented(`${method} ${path}`, answer, faults ?? 'no such operation')
    return
  }
  const [name, operation] = found
  if ([404, 405].includes(answer.status) && ['NOT_FOUND', 'METHOD_NOT_ALLOWED'].includes(String(codeOf(answer.body))))
    return
  const given = operation.responses[String(answer.status)]
  if (given === undefined) throw undocumented(name, answer, 'no such status')
  const response = given.$ref === undefined ? given : (document.components.responses[lastOf(given.$ref)] ?? {})
  for (const header of [
    'location',
    'retry-after',
    'www-authenticate',
    'idempotency-replayed',
    'upgrade',
    'sec-websocket-version',
  ]) {
    const isNamed = Object.keys(response.headers ?? {}).some((known) => known.toLowerCase() === header)
    if (answer.headers[header] !== undefined && !isNamed) throw undocumented(name, answer, `no header ${header}`)
  }
  const [type = ''] = (answer.headers['content-type'] ?? '').split(';')
  const content = response.content?.[type]
  if (response.content === undefined ? answer.body !== '' : content === undefined) {
    throw undocumented(name, answer, `no content of type ${type}`)
  }
  const faults = content === undefined || !type.includes('json') ? undefined : faultsOf(content.schema, answer.body)
  if (faults !== undefined) throw undocumented(name, answer, faults)
  // Items that a batch refuses are not what the document allows.
  if (answer.status < 300 && !(Number((answer.body as { failed?: unknown }).failed) > 0))
    checkRequest(name, operation, path, sent, sentHeaders)
}

/** What the server has taken the document must allow. */
function checkRequest(
  name: string,
  operation: Operation,
  path: string,
  sent: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const parameters = operation.parameters ?? []
  for (const parameter of new URL(path, 'http://localhost').searchParams.keys()) {
    const isNamed = parameters.some((known) => known.in === 'query' && known.name === parameter)
    if (!isNamed) throw new Error(`${name} took the parameter ${parameter}, which the document does not name`)
  }
  const isJson = Object.entries(headers).every(([header, value]) => !/type/i.test(header) || /json/.test(value))
  const body: unknown = typeof sent === 'string' ? parsed(sent) : sent
  if (body === undefined || !isJson || operation.requestBody === undefined) return
  const faults = faultsOf(operation.requestBody.content['application/json'].schema, body)
  if (faults !== undefined) throw new Error(`${name} took a body that the document does not allow: ${faults}`)
}

function parsed(text: string): unknown {
  return text.trim() === '' ? undefined : JSON.parse(text)
}

const lastOf = (reference: string): string => reference.slice(reference.lastIndexOf('/') + 1)

const codeOf = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined

function undocumented(name: string, answer: Exchange['answer'], fault: string): Error {
  const { status, body } = answer
  return new Error(`${name} answered ${String(status)} as the document does not say: ${fault}\n${JSON.stringify(body)}`)
}

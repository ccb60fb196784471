/** One hostile request: decided by the seed and its number alone, and who and what there is to name. */
import type { Chance } from './chance.ts'
import {
  HOSTILE_BODIES,
  HOSTILE_HEADERS,
  HOSTILE_QUERIES,
  HOSTILE_SEGMENTS,
  HOSTILE_VALUES,
  METHODS,
  PATH_TRICKS,
} from './hostile.ts'
import type { Operation, Schema, Surface } from './operations.ts'
import { RAW_FORMS } from './raw-forms.ts'
import { enlivened, type Maker, spoiled, valueOf } from './values.ts'
import type { Principal, World } from './world.ts'

/** A request that can be written, looked at and made smaller. */
export interface Attempt {
  readonly operation: Operation
  readonly principal: Principal
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Lines. */
  readonly headers: readonly string[]
  /** Latin1 stands for the bytes. */
  readonly body: string
  readonly framing: 'none' | 'length' | 'chunked'
  /** The name of a raw form, which needs a connection of its own. */
  readonly raw: string | undefined
  /** It is meant for the operation: its method, its path, no raw form. */
  readonly isPlain: boolean
}

/** Operations that are rarer: they hash a password and would take most of the time, or end the credentials of the others. */
const RARE = [
  /^POST \/(auth\/login|auth\/logout|auth\/password|users|users\/\{id\}\/reset-password)$/,
  /^POST \/(tokens\/\{id\}\/rotate|agents\/\{id\}\/ic-token\/regenerate|agents\/\{id\}\/stop)$/,
  /^PUT \/users\/\{id\}\/(suspend|role)$/,
  /^DELETE \/(agents|tokens|users|auth\/sessions|users\/\{id\}\/sessions|agents\/\{id\}\/ic-token)/,
]

/** How often an attempt is spoiled in each way. */
const ODDS = { foreignCredential: 0.12, segment: 0.12, query: 0.12, header: 0.12, body: 0.1, trick: 0.05, method: 0.04 }

export function attemptOf(surface: Surface, world: World, chance: Chance): Attempt {
  const operation = pickOperation(surface, chance)
  const principal = pickPrincipal(operation, world, chance)
  const maker: Maker = { surface, world, chance, principal }
  const trick = chance.happens(ODDS.trick) ? chance.pick(PATH_TRICKS) : undefined
  const path = pathOf(operation, maker)
  const target = `${trick?.(path) ?? path}${queryOf(operation, maker)}`
  const method = chance.happens(ODDS.method) ? chance.pick(METHODS) : operation.method
  const body = bodyOf(operation, maker)
  const headers = [
    'Host: 127.0.0.1',
    ...credentialLines(principal),
    ...(body === '' ? [] : ['Content-Type: application/json']),
  ]
  if (chance.happens(0.2)) headers.push(`Idempotency-Key: k${chance.below(50)}`)
  while (chance.happens(ODDS.header)) headers.push(chance.pick(HOSTILE_HEADERS))
  const raw = chance.happens(0.05) ? chance.pick(Object.keys(RAW_FORMS)) : undefined
  return {
    operation,
    principal,
    method,
    target,
    headers,
    body,
    framing: body === '' ? 'none' : chance.happens(0.1) ? 'chunked' : 'length',
    raw,
    isPlain: trick === undefined && method === operation.method && raw === undefined,
  }
}

/** The bytes of an attempt (latin1). */
export function bytesOf({ method, target, headers, body, framing, raw }: Attempt): string {
  const line = `${method} ${target} HTTP/1.1`
  const form = raw === undefined ? undefined : RAW_FORMS[raw]
  if (form !== undefined) return form(line, headers, body)
  const lines = [line, ...headers]
  if (framing === 'none') return `${lines.join('\r\n')}\r\n\r\n`
  if (framing === 'length') return `${[...lines, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`
  const half = Math.ceil(body.length / 2)
  const chunks = [body.slice(0, half), body.slice(half)].filter((part) => part !== '')
  const written = chunks.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
  return `${[...lines, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n${written}0\r\n\r\n`
}

function pickOperation({ operations }: Surface, chance: Chance): Operation {
  const operation = chance.pick(operations)
  const isRare = RARE.some((pattern) => pattern.test(operation.name))
  return isRare && chance.happens(0.9) ? chance.pick(operations) : operation
}

/** What only an admin may. */
const OF_ADMINS = /:manage$|:allocate$|^audit:/

function pickPrincipal({ credentials, permissions }: Operation, { principals }: World, chance: Chance): Principal {
  const admin = principals.find(({ name }) => name === 'root')
  if (admin !== undefined && permissions.some((each) => OF_ADMINS.test(each)) && chance.happens(0.6)) return admin
  const fitting = principals.filter(({ scheme }) => credentials.includes(scheme))
  return fitting.length === 0 || chance.happens(ODDS.foreignCredential) ? chance.pick(principals) : chance.pick(fitting)
}

const credentialLines = ({ headers }: Principal): string[] =>
  Object.entries(headers).map(([name, value]) => `${name}: ${value}`)

/** What would let its object see everything, so that nobody's canary could be foreign to it. */
const RAISES = 'PUT /users/{id}/role'

function pathOf({ path, name: operation }: Operation, { world, chance, principal }: Maker): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (chance.happens(ODDS.segment)) return chance.pick(HOSTILE_SEGMENTS)
    const known = world.idsOf(prefixOf(path, name), principal, operation === RAISES)
    return known.length > 0 ? chance.pick(known) : chance.pick(HOSTILE_SEGMENTS)
  })
  return `/api/v1${filled}`
}

/** What kind of id a parameter is. */
const PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/\{lease_id\}/, 'lease'],
  [/\{provider_id\}/, 'prov'],
  [/\{trace_id\}/, 'trace'],
  [/^\/users/, 'user'],
  [/^\/tokens/, 'tok'],
  [/^\/agents/, 'agent'],
  [/^\/budget-requests/, 'breq'],
  [/^\/providers/, 'prov'],
  [/^\/keys/, 'key'],
  [/^\/limits/, 'lim'],
  [/sessions/, 'sess'],
  [/^\/requests/, 'req'],
  [/^\/audit/, 'aud'],
]

function prefixOf(path: string, parameter: string): string {
  const text = parameter === 'id' ? path.replaceAll(/\{\w+_id\}/g, '') : `{${parameter}}`
  return PREFIXES.find(([pattern]) => pattern.test(text))?.[1] ?? 'agent'
}

function queryOf({ query }: Operation, maker: Maker): string {
  const { chance } = maker
  if (chance.happens(ODDS.query)) return chance.pick(HOSTILE_QUERIES)
  const chosen = query.filter(({ required }) => required || chance.happens(0.2))
  if (chosen.length === 0) return ''
  const value = (schema: Schema): string => {
    const made = chance.happens(ODDS.query) ? chance.pick(HOSTILE_VALUES) : valueOf(maker, schema)
    const text = typeof made === 'string' ? made : JSON.stringify(made)
    // What no URL can hold in UTF-8 is left to the hostile strings of queries.
    return encodeURIComponent(text.toWellFormed()).slice(0, 9_000)
  }
  return `?${chosen.map(({ name, schema }) => `${name}=${value(schema)}`).join('&')}`
}

/** Larger ones are cut off by the server before it answers, as it says. */
const BODY_CHARACTERS_MAX = 2_000_000

function bodyOf({ body, method }: Operation, maker: Maker): string {
  const { chance } = maker
  if (body === undefined) return method !== 'GET' && chance.happens(0.05) ? chance.pick(HOSTILE_BODIES) : ''
  if (chance.happens(ODDS.body)) return chance.pick(HOSTILE_BODIES)
  const isExample = body.example !== undefined && chance.happens(0.5)
  let value = isExample ? enlivened(maker, body.example) : valueOf(maker, body.schema)
  while (chance.happens(0.45)) value = spoiled(maker, value)
  const text = asciiJson(value)
  if (text.length > BODY_CHARACTERS_MAX) return chance.pick(HOSTILE_BODIES)
  if (chance.happens(0.02)) return text.slice(0, chance.below(text.length + 1))
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** JSON as any client may write it: -0 stays, lone surrogates are escaped. */
function asciiJson(value: unknown): string {
  return Object.is(value, -0) ? '-0' : JSON.stringify(value)
}

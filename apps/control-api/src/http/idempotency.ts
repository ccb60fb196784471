/** `Idempotency-Key`: a repeated creating call gets the first answer, without its secrets (http-api 1.9). */
import type { IncomingMessage } from 'node:http'
import type { Json, WriteTx } from '@iron/database'
import type { Services } from '../services.ts'
import { secretFields } from './schemas.ts'
import { type Principal, principalId } from './principal.ts'
import type { HandlerAnswer, RouteDefinition } from './route.ts'
import type { Faulty } from './validator.ts'

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** The key of a request to a route that honours one; a malformed one is a fault. */
export function readIdempotencyKey(
  route: RouteDefinition,
  request: IncomingMessage,
  faults: Faulty,
): string | undefined {
  const key = request.headers['idempotency-key']
  if (route.idempotency === undefined || key === undefined) return undefined
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  faults['header.Idempotency-Key'] = 'must be 1 to 255 visible ASCII characters'
  return undefined
}

interface StoredAnswer {
  readonly status: number
  readonly body: Json
  readonly headers: Readonly<Record<string, string>>
}

/** Runs a creating call once per key, in one transaction with the answer that a repeat gets. */
export async function runOnce(
  services: Services,
  route: RouteDefinition,
  request: IncomingMessage,
  principal: Principal,
  call: { readonly key: string; readonly body: unknown },
  run: (tx: WriteTx) => Promise<HandlerAnswer>,
): Promise<HandlerAnswer> {
  const path = (request.url ?? '')
    .replace(/\?.*$/s, '')
    .replace(/^\/api(\/v1)?/, '')
    .replace(/\/$/, '')
  const scope = { principalId: principalId(principal), route: `${route.method} ${path}` }
  let live: HandlerAnswer | undefined
  const { result, replayed } = await services.idempotency.run(
    { ...scope, key: call.key, payload: comparable(services, route, call.body) },
    async (tx) => {
      live = await run(tx)
      const stored: StoredAnswer = {
        status: live.status ?? 200,
        body: withoutSecrets(JSON.parse(JSON.stringify(live.body ?? null)) as Json, route.secrets ?? []),
        headers: live.headers ?? {},
      }
      return stored as unknown as Json
    },
  )
  if (!replayed && live !== undefined) return live
  const stored = result as unknown as StoredAnswer
  const body = route.secrets === undefined ? stored.body : { ...(stored.body as object), secret_omitted: true }
  return { status: stored.status, body, headers: { ...stored.headers, 'Idempotency-Replayed': 'true' } }
}

/**
 * What a repeat is compared by, of which a hash is stored: a secret in it is made unguessable first, or the hash would let
 * passwords be tried without the work of bcrypt.
 */
function comparable(services: Services, route: RouteDefinition, body: unknown): unknown {
  const fields = body as Readonly<Record<string, unknown>>
  const secrets = secretFields(route.body)
    .filter((name) => typeof fields[name] === 'string')
    .map((name) => [name, services.fingerprint(String(fields[name]))] as const)
  return secrets.length === 0 ? body : { ...fields, ...Object.fromEntries(secrets) }
}

function withoutSecrets(body: Json, secrets: readonly string[]): Json {
  const copy = structuredClone(body) as Record<string, unknown>
  for (const secret of secrets) {
    const segments = secret.split('.')
    const last = segments.pop() ?? ''
    const parent = segments.reduce<Record<string, unknown> | undefined>(
      (object, name) => object?.[name] as Record<string, unknown> | undefined,
      copy,
    )
    if (parent !== undefined) parent[last] = null
  }
  return copy as Json
}

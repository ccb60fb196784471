/** Headers of requests and answers that many routes share (http-api 1.9, 1.10). */
import type { JsonSchema } from './json-schema.ts'

const integer = (description: string, example: number): JsonSchema => ({
  description,
  schema: { type: 'integer', minimum: 0, examples: [example] },
})
const text = (description: string, example: string): JsonSchema => ({
  description,
  schema: { type: 'string', examples: [example] },
})

export const HEADERS: Readonly<Record<string, JsonSchema>> = {
  'X-Request-Id': text('The id of this request in logs and audit entries.', '0199c2f0-5a00-7000-8000-0000000000aa'),
  'RateLimit-Limit': integer(
    'Requests the bucket closest to empty holds. Missing when no class limits the route.',
    300,
  ),
  'RateLimit-Remaining': integer('What is left in it.', 299),
  'RateLimit-Reset': integer('Seconds until it is full.', 1),
  'Retry-After': integer('Seconds after which it is worth trying again; at least 1.', 12),
  'WWW-Authenticate': text('How to authenticate.', 'Bearer'),
  Connection: text('What concerns this connection only.', 'Upgrade'),
  Upgrade: text('What the connection must become.', 'websocket'),
  'Sec-WebSocket-Version': text('The version of it that is spoken.', '13'),
  Location: text('The path of what was made.', '/api/v1/agents/agent_0199c2f0-5a00-7000-8000-000000000002'),
  'Idempotency-Replayed': text('`true` on the answer of an earlier call with the same key.', 'true'),
}

/** Names of headers as references to their components. */
export const headersOf = (names: readonly string[]): JsonSchema =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

/** What every answer of a limited route carries. */
export const OF_EVERY_ANSWER = ['X-Request-Id', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const

export const PARAMETERS: Readonly<Record<string, JsonSchema>> = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Makes the call safe to repeat for 24 hours: the same key with the same body gets the first answer (secrets as null), with another body 409 `IDEMPOTENCY_CONFLICT`.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
  },
}

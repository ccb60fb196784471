/** Refusals of a route: one response for each status, one schema for each code. */
import { type ApiErrorCode, STATUS } from '../http/errors.ts'
import { ERROR_CODES } from './error-codes.ts'
import { headersOf, OF_EVERY_ANSWER } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'

const MORE_HEADERS: Readonly<Record<number, readonly string[]>> = {
  401: ['WWW-Authenticate'],
  426: ['Connection', 'Upgrade', 'Sec-WebSocket-Version'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

/** `AGENT_NOT_FOUND` → `AgentNotFound`: the component of a code. */
export function errorName(code: ApiErrorCode): string {
  return code.toLowerCase().replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())
}

/** Codes by status, in the order of the table. */
export function byStatus(codes: ReadonlySet<ApiErrorCode>): ReadonlyMap<number, readonly ApiErrorCode[]> {
  const ordered = (Object.keys(ERROR_CODES) as ApiErrorCode[]).filter((code) => codes.has(code))
  return Map.groupBy(ordered, (code) => STATUS[code])
}

/** The response of a status that may have these codes. */
export function errorResponse(status: number, codes: readonly ApiErrorCode[]): JsonSchema {
  const schemas = codes.map((code) => ({ $ref: `#/components/schemas/${errorName(code)}` }))
  const mapping = Object.fromEntries(codes.map((code) => [code, `#/components/schemas/${errorName(code)}`]))
  const isLock = codes.includes('ACCOUNT_LOCKED')
  return {
    description: codes.map((code) => `\`${code}\`: ${ERROR_CODES[code].meaning}.`).join('\n\n'),
    headers: headersOf([...OF_EVERY_ANSWER, ...(MORE_HEADERS[status] ?? []), ...(isLock ? ['Retry-After'] : [])]),
    content: {
      'application/json': {
        schema:
          schemas.length === 1 ? schemas[0] : { oneOf: schemas, discriminator: { propertyName: 'code', mapping } },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${errorName(code)}` }])),
      },
    },
  }
}

/** Responses that several routes share become components: the first set of codes of each status that comes twice. */
export class ErrorResponses {
  readonly components: Record<string, JsonSchema> = {}
  readonly #names = new Map<string, string>()

  /** @param sets the codes of every status of every route */
  constructor(sets: Iterable<readonly [status: number, codes: readonly ApiErrorCode[]]>) {
    const counts = new Map<string, number>()
    for (const [status, codes] of sets) {
      const key = codes.join()
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      if (count === 2) this.#share(key, status, codes)
    }
  }

  /** A response, or a reference to a shared one. */
  of(status: number, codes: readonly ApiErrorCode[]): JsonSchema {
    const name = this.#names.get(codes.join())
    return name === undefined ? errorResponse(status, codes) : { $ref: `#/components/responses/${name}` }
  }

  #share(key: string, status: number, codes: readonly ApiErrorCode[]): void {
    const [first] = codes as readonly [ApiErrorCode]
    let name = codes.length === 1 ? errorName(first) : `Status${status}`
    for (let number = 2; name in this.components; number += 1) name = `Status${status}_${number}`
    this.#names.set(key, name)
    this.components[name] = errorResponse(status, codes)
  }
}

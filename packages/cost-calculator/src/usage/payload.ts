/** Reads counts out of a provider's usage object, which is outside data: absent and null differ from 0, nothing is guessed. */
import { CostError } from '../errors.ts'
import { checkedCount } from './usage.ts'

/** One usage object, or the merged blocks of a stream. */
export class Payload {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #path: string

  constructor(fields: Readonly<Record<string, unknown>>, path = '') {
    this.#fields = fields
    this.#path = path
  }

  has(...names: readonly string[]): boolean {
    return names.some((name) => this.#value(name) !== undefined)
  }

  /** The first of some spellings that is there. @throws {CostError} INVALID_USAGE unless it is a whole count */
  count(...names: readonly string[]): number | undefined {
    const name = names.find((candidate) => this.has(candidate))
    return name === undefined ? undefined : checkedCount(this.#value(name), this.#path + name)
  }

  /** A duration: seconds are billed whole, so a begun one counts. */
  seconds(...names: readonly string[]): number | undefined {
    const name = names.find((candidate) => this.has(candidate))
    const value = name === undefined ? undefined : this.#value(name)
    return name === undefined
      ? undefined
      : checkedCount(typeof value === 'number' ? Math.ceil(value) : value, this.#path + name)
  }

  /** An object inside; an absent one has no counts. */
  inner(...names: readonly string[]): Payload {
    const name = names.find((candidate) => this.has(candidate))
    const value = name === undefined ? undefined : this.#value(name)
    return new Payload(isFields(value) ? value : {}, `${this.#path}${name ?? ''}.`)
  }

  /** Google's lists of `{ modality, tokenCount }`, summed by modality; `undefined` without a list. */
  modalities(...names: readonly string[]): ReadonlyMap<string, number> | undefined {
    const name = names.find((candidate) => this.has(candidate))
    const list = name === undefined ? undefined : this.#value(name)
    if (!Array.isArray(list)) return undefined
    const sums = new Map<string, number>()
    list.forEach((item: unknown, at) => {
      if (!isFields(item)) return
      const entry = new Payload(item, `${this.#path}${name ?? ''}[${String(at)}].`)
      const modality = String(item['modality']).toUpperCase()
      sums.set(modality, (sums.get(modality) ?? 0) + (entry.count('tokenCount', 'token_count') ?? 0))
    })
    return sums
  }

  /** null is how several providers write "not there". */
  #value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? undefined) : undefined
  }
}

/**
 * Opens a usage object. The blocks of a stream (an array) count once: a later figure replaces an earlier one (PRI-18).
 *
 * @throws {CostError} INVALID_USAGE for anything else: an absent usage is not zero (PRI-17)
 */
export function openPayload(payload: unknown): Payload {
  const blocks: readonly unknown[] = Array.isArray(payload) ? payload : [payload]
  const fields: Record<string, unknown> = {}
  for (const block of blocks) {
    if (!isFields(block))
      throw new CostError('INVALID_USAGE', 'there is no usage object', { fields: { $: 'must be a usage object' } })
    for (const [name, value] of Object.entries(block)) if (value !== null && value !== undefined) fields[name] = value
  }
  return new Payload(fields)
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

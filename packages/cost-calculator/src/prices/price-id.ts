import { createHash } from 'node:crypto'

/** Longest price id: the column it is stored in (data-model, table requests). */
const PRICE_ID_MAX = 200

/** Names a price for ever: book version, provider, model and start. A name too long is cut and ends in its hash. */
export function priceId(version: string, provider: string | null, model: string, suffix = ''): string {
  const id = `${version}/${provider ?? '*'}/${model}${suffix}`
  const points = Array.from(id)
  return points.length <= PRICE_ID_MAX ? id : `${points.slice(0, PRICE_ID_MAX - 17).join('')}~${shortHash(id, 16)}`
}

/** The first hexadecimal digits of the SHA-256 of a text. */
export function shortHash(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

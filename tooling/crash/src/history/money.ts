/** Whole microdollars of an amount on the wire, which has at most 6 decimals (http-api 1.3). */
export function microsOf(usd: unknown): number {
  if (typeof usd !== 'number') throw new TypeError(`${String(usd)} is no amount`)
  return Math.round(usd * 1e6)
}

export const usdOf = (micros: number): number => micros / 1e6

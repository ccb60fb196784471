/**
 * Money as whole microdollars. A `Microdollars` comes only from the checked constructors of this module, so that a plain
 * number in a money position does not compile and a fraction or an overflow cannot exist (MON-01).
 */
import { CostError } from './errors.ts'

declare const unit: unique symbol

/** Whole millionths of a US dollar; a safe integer. Negative only where a field says so. */
export type Microdollars = number & { readonly [unit]: 'microdollars' }

/** US dollars as written by a person or found in JSON; never a Microdollars value. */
export type UsdAmount = string | (number & { readonly [unit]?: never })

/** An object with the named amounts. */
export type Amounts<Name extends string> = { readonly [N in Name]: Microdollars }

/** Decimals of a microdollar. */
const DECIMALS = 6
const MICROS_PER_USD = 10 ** DECIMALS

/** Nothing. */
export const ZERO = 0 as Microdollars
/** The smallest amount: 0.000001 USD. */
export const MIN_AMOUNT = 1 as Microdollars
/** The largest amount: 1 000 000 000 USD. */
export const MAX_AMOUNT = 1_000_000_000_000_000 as Microdollars

/**
 * Takes a whole number of microdollars. Checks, never rounds.
 *
 * @throws {CostError} INVALID_AMOUNT unless it is a safe integer
 */
export function micros(value: number | bigint): Microdollars {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (!Number.isSafeInteger(number) || (typeof value === 'bigint' && BigInt(number) !== value)) {
    throw new CostError('INVALID_AMOUNT', 'microdollars are a whole number within 2^53', { value: String(value) })
  }
  return (number === 0 ? 0 : number) as Microdollars
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i
/** Longest decimal text that can be an amount; more is refused before it is parsed. */
const TEXT_MAX = 400

/**
 * Reads US dollars exactly: a number means its shortest decimal text. `usd(8.2)` is 8 200 000.
 *
 * @param options `rounding: 'up'` rounds a rest below a microdollar up (costs); `signed` admits a negative amount
 * @throws {CostError} INVALID_AMOUNT (no decimal number, or negative), TOO_MANY_DECIMALS, AMOUNT_OUT_OF_RANGE
 */
export function usd(
  amount: UsdAmount,
  options: { readonly rounding?: 'exact' | 'up' | undefined; readonly signed?: boolean | undefined } = {},
): Microdollars {
  if (typeof amount === 'number') {
    const near = nearest(amount)
    if (near !== undefined) return near
  }
  const text = typeof amount === 'number' ? String(amount) : amount
  const match = typeof text === 'string' && text.length <= TEXT_MAX ? DECIMAL.exec(text) : null
  if (match === null) throw new CostError('INVALID_AMOUNT', 'an amount is a decimal number of US dollars')
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] = match
  if ((sign === '-' || Object.is(amount, -0)) && options.signed !== true) {
    throw new CostError('INVALID_AMOUNT', 'an amount is not negative')
  }
  const magnitude = scaled(
    whole + fraction,
    Number(exponent) - fraction.length + DECIMALS,
    options.rounding === 'up' && sign === '',
  )
  if (magnitude > BigInt(MAX_AMOUNT)) {
    throw new CostError('AMOUNT_OUT_OF_RANGE', 'an amount is at most 1000000000 USD', { max_usd: 1_000_000_000 })
  }
  const value = Number(magnitude)
  return (sign === '-' && value !== 0 ? -value : value) as Microdollars
}

/**
 * The whole microdollars that a number is the nearest one of; `undefined` where there are none or its text has to be looked at. Up to
 * the largest amount numbers lie closer than microdollars, so that its shortest text says the same (measured: 29 ns instead of 830).
 */
function nearest(amount: number): Microdollars | undefined {
  if (!(amount > 0 && amount <= MAX_AMOUNT / MICROS_PER_USD)) return undefined
  const whole = Math.round(amount * MICROS_PER_USD)
  return whole / MICROS_PER_USD === amount ? (whole as Microdollars) : undefined
}

/** `digits` times ten to the `power`, as an integer. */
function scaled(digits: string, power: number, roundUp: boolean): bigint {
  const significant = digits.replace(/^0+/, '')
  if (significant === '') return 0n
  if (power >= 0) {
    if (significant.length + power > 16) return BigInt(MAX_AMOUNT) + 1n
    return BigInt(significant) * 10n ** BigInt(power)
  }
  const kept = Math.max(0, significant.length + power)
  const rest = significant.slice(kept)
  const head = kept === 0 ? 0n : BigInt(significant.slice(0, kept))
  if (/^0*$/.test(rest)) return head
  if (!roundUp) throw new CostError('TOO_MANY_DECIMALS', 'an amount has at most 6 decimals', { max_decimals: DECIMALS })
  return head + 1n
}

/**
 * US dollars as a JSON number: the shortest text that is exact to 6 decimals. Of a sum beyond 2^53 microdollars, the nearest number
 * there is.
 */
export function toUsd(amount: Microdollars | bigint): number {
  // Of two numbers that are exact, a quotient is the number that is nearest: the same as the decimal text would be read as.
  return typeof amount === 'bigint' ? Number(formatUsd(amount)) : amount / MICROS_PER_USD
}

/** US dollars as text, for example `8.2`; at least `minDecimals` of them. Exact, also of a sum that no amount can hold. */
export function formatUsd(
  amount: Microdollars | bigint,
  options: { readonly minDecimals?: number | undefined } = {},
): string {
  const minDecimals = options.minDecimals ?? 0
  const digits = String(amount)
    .replace('-', '')
    .padStart(DECIMALS + 1, '0')
  const fraction = digits
    .slice(-DECIMALS)
    .replace(/(?<!0)0+$/, '')
    .padEnd(minDecimals, '0')
  return `${amount < 0 ? '-' : ''}${digits.slice(0, -DECIMALS)}${fraction === '' ? '' : `.${fraction}`}`
}

/** In any order. @throws {CostError} AMOUNT_OUT_OF_RANGE instead of losing digits (MON-06); 0 for no amounts */
export function sum(amounts: Iterable<Microdollars>): Microdollars {
  let total = 0
  // What was taken out of the total while it was near 2^53.
  let beyond = 0n
  for (const amount of amounts) {
    const next = total + amount
    if (Number.isSafeInteger(next)) total = next
    else {
      beyond += BigInt(total)
      total = checked(amount)
    }
  }
  return checked(beyond === 0n ? total : Number(beyond + BigInt(total))) as Microdollars
}

/** The difference; negative when more is taken than there is. @throws {CostError} AMOUNT_OUT_OF_RANGE */
export function minus(from: Microdollars, amount: Microdollars): Microdollars {
  return checked(from - amount) as Microdollars
}

function checked(value: number): number {
  if (!Number.isSafeInteger(value))
    throw new CostError('AMOUNT_OUT_OF_RANGE', 'a sum of money is beyond 2^53 microdollars')
  return value === 0 ? 0 : value
}

/**
 * JSON whose numbers say what was written. A double holds some 17 digits: `0.10000000000000000001` would be 0.1, and a cost that has to
 * be rounded up, or an amount with too many decimals, would pass for another (http-api 1.3).
 */

/** As many digits as some doubles do not hold, or an exponent near the smallest of them. */
const MAY_BE_INEXACT = /(?:\d\.?){16}|[eE]-\d{3}/

/** Decimals of an amount of money: a number that shows more when it is parsed passes for no other. */
const DECIMALS = 6

/** Parses a text. A number that would pass for another becomes the double beside that, on the side where it is. @throws SyntaxError */
export function parseJson(text: string): unknown {
  if (!MAY_BE_INEXACT.test(text)) return JSON.parse(text) as unknown
  return JSON.parse(text, ((_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && source !== undefined ? towards(value, source) : value) as Parameters<
    typeof JSON.parse
  >[1])
}

function towards(value: number, written: string): number {
  const shown = decimalOf(String(value))
  const side = Math.sign(compared(decimalOf(written), shown))
  if (side === 0 || shown.digits.length - shown.exponent > DECIMALS || !Number.isFinite(value)) return value
  return neighbour(written.startsWith('-') ? -Math.abs(value) : value, side)
}

/** 0.`digits` times ten to the `exponent`, without its sign. */
interface Decimal {
  readonly digits: string
  readonly exponent: number
}

function decimalOf(text: string): Decimal {
  const [mantissa = '', exponent = '0'] = text.replace(/^-/, '').toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const all = whole + fraction
  const digits = all.replace(/^0+/, '')
  let end = digits.length
  while (digits[end - 1] === '0') end -= 1
  return { digits: digits.slice(0, end), exponent: whole.length - (all.length - digits.length) + Number(exponent) }
}

/** Which of two is the larger, as a comparison says. */
function compared(one: Decimal, other: Decimal): number {
  if (one.digits === '' || other.digits === '') return one.digits.length - other.digits.length
  if (one.exponent !== other.exponent) return one.exponent - other.exponent
  return one.digits === other.digits ? 0 : one.digits < other.digits ? -1 : 1
}

const double = new Float64Array(1)
const bits = new BigInt64Array(double.buffer)

/** The next double of a larger magnitude (`side` 1) or a smaller one (-1). */
function neighbour(value: number, side: number): number {
  double[0] = value
  bits[0] = (bits[0] as bigint) + BigInt(side)
  return double[0]
}

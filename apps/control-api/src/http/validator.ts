/** Compiles request schemas once and turns what fails into `details.fields`, all of it at once (VAL-02). */
import { CostError, usd } from '@iron/cost-calculator'
import { Faults, isId } from '@iron/database'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { validationError } from './errors.ts'
import type { TSchema } from './schemas.ts'
import { TEXT_RULES, type TextRuleName } from './text-rules.ts'

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, coerceTypes: false, messages: true })

/** Where a checked value stands, so that a keyword may put another in its place. */
interface Place {
  readonly parentData: unknown
  readonly parentDataProperty: string | number
}

/** A validation function of a keyword: undefined, or the rule that is broken. */
function keyword(
  name: string,
  type: 'string' | 'number' | 'object',
  broken: (rule: never, value: never, place: Place | undefined) => string | undefined,
): void {
  const validate = (rule: unknown, value: unknown, _: unknown, place?: Place): boolean => {
    const message = broken(rule as never, value as never, place)
    ;(validate as { errors?: unknown[] }).errors = message === undefined ? [] : [{ keyword: name, message, params: {} }]
    return message === undefined
  }
  ajv.addKeyword({ keyword: name, type, errors: true, validate })
}

interface TextRule {
  readonly min: number
  readonly max: number
  readonly multiline: boolean
  readonly trimmed?: boolean
  readonly rule?: TextRuleName
  readonly verbatim: boolean
}

keyword('ironText', 'string', (rule: TextRule, value: string, place) => {
  const asSent = rule.verbatim || (rule.multiline && rule.trimmed !== true)
  const trimmed = asSent ? value : value.trim()
  const faults = new Faults()
  // Trimming would take a line break off the ends before it is seen (VAL-07).
  if (trimmed !== value) faults.text('text', value, { min: 0, max: Infinity, multiline: rule.multiline })
  faults.text('text', trimmed, rule)
  if (rule.rule !== undefined) TEXT_RULES[rule.rule](faults, 'text', trimmed)
  if (!faults.any && trimmed !== value) putInPlace(place, trimmed)
  return faults.details.fields['text']
})

/** Names are trimmed (http-api 1.5): what is checked is what the handler gets. */
function putInPlace(place: Place | undefined, value: string): void {
  const parent = place?.parentData
  if (typeof parent === 'object' && parent !== null) {
    ;(parent as Record<string | number, unknown>)[place?.parentDataProperty ?? ''] = value
  }
}

keyword('ironRule', 'string', (name: TextRuleName, value: string) => {
  const faults = new Faults()
  TEXT_RULES[name](faults, 'text', value)
  return faults.details.fields['text']
})

keyword('ironSetsOne', 'object', (names: readonly string[], value: Readonly<Record<string, unknown>>) =>
  names.some((name) => (value[name] ?? null) !== null) ? undefined : `must set at least one of ${names.join(', ')}`,
)

// Annotations for the OpenAPI document.
ajv.addKeyword({ keyword: 'ironSecret', type: 'string' })
ajv.addKeyword({ keyword: 'ironItem' })

keyword('ironId', 'string', (prefix: Parameters<typeof isId>[1], value: string) =>
  isId(value, prefix) ? undefined : `must be an id ${prefix}_<uuid>`,
)

keyword('ironAscii', 'string', (max: number, value: string) =>
  value.length >= 1 && value.length <= max && /^[\x21-\x7e]*$/.test(value)
    ? undefined
    : `must be 1 to ${max} visible ASCII characters`,
)

keyword('ironUsd', 'number', (rule: 'amount' | 'amountOrZero' | 'cost', value: number) => {
  if (!Number.isFinite(value)) return 'must be a finite number'
  try {
    const micros = usd(value, { rounding: rule === 'cost' ? 'up' : 'exact' })
    return rule === 'amount' && micros === 0 ? 'must be at least 0.000001' : undefined
  } catch (error) {
    if (!(error instanceof CostError)) throw error
    if (error.code === 'TOO_MANY_DECIMALS') return 'must have at most 6 decimals'
    return error.code === 'AMOUNT_OUT_OF_RANGE' ? 'must be at most 1000000000' : 'must not be negative'
  }
})

/** Times that ISO 8601 writes with four digits of year, in epoch ms. */
const FIRST_TIME = Date.parse('0000-01-01T00:00:00.000Z')
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z')
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

keyword('ironTime', 'string', (_: true, value: string) => {
  const match = DATE_TIME.exec(value)
  if (match === null) return 'must be an RFC 3339 time with Z or an offset'
  const [, year, month, day, hour, minute, second] = match.map(Number)
  const at = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second))
  const instant = Date.parse(value)
  const real =
    at.getUTCMonth() + 1 === month &&
    at.getUTCDate() === day &&
    at.getUTCHours() === hour &&
    at.getUTCMinutes() === minute
  if (!real || Number.isNaN(instant)) return 'must be a time that exists'
  // An offset can lead out of the years that are written with four digits.
  return instant >= FIRST_TIME && instant <= LAST_TIME ? undefined : 'must be within the years 0000 to 9999 in UTC'
})

/** Faults by path. Without a prototype: a field may be called `__proto__` (VAL-12). */
export type Faulty = Record<string, string>

/** An empty set of faults. */
export function noFaults(): Faulty {
  return Object.create(null) as Faulty
}

/** Names every fault of a value, or undefined when it has none. Names are trimmed in place. */
export type FindFaults = (value: unknown) => Faulty | undefined

/**
 * Compiles a schema when it is first needed: all of them take longer than the rest of the start.
 *
 * @param prefix stands before every path: `query.` for a query, nothing for a body
 */
export function compileFindFaults(schema: TSchema, prefix = ''): FindFaults {
  let validate: ValidateFunction | undefined
  return (value) => {
    validate ??= ajv.compile(schema)
    return validate(value) ? undefined : fieldsOf(validate.errors ?? [], prefix)
  }
}

/** Compiles a schema to a check. The check throws {ApiError} VALIDATION_ERROR. */
export function compileCheck(schema: TSchema): (value: unknown) => void {
  const findFaults = compileFindFaults(schema)
  return (value) => {
    const faults = findFaults(value)
    if (faults !== undefined) throw validationError(faults)
  }
}

function fieldsOf(errors: readonly ErrorObject[], prefix: string): Faulty {
  const fields = noFaults()
  for (const error of errors) {
    const path = pathOf(error)
    fields[path === '' ? '$' : `${prefix}${path}`] ??= textOf(error)
  }
  return fields
}

/** `/reports/3/cost_usd` → `reports[3].cost_usd`; a missing or unknown field is named itself. */
function pathOf(error: ErrorObject): string {
  const segments = error.instancePath.split('/').slice(1).map(unescapePointer)
  const { missingProperty, additionalProperty } = error.params as Record<string, string | undefined>
  const own = missingProperty ?? additionalProperty
  if (own !== undefined) segments.push(own)
  return segments.reduce(
    (path, segment) =>
      /^\d+$/.test(segment) && path !== '' ? `${path}[${segment}]` : path === '' ? segment : `${path}.${segment}`,
    '',
  )
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

const typeName = (type: unknown): string => TYPE_NAMES[String(type)] ?? String(type)

function textOf(error: ErrorObject): string {
  const parameters = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      return 'is required'
    case 'additionalProperties':
      return 'is not known'
    case 'enum':
      return `must be one of ${(parameters['allowedValues'] as string[]).join(', ')}`
    case 'type':
      return `must be ${[parameters['type']].flat().map(typeName).join(' or ')}`
    case 'minLength':
      return `must be at least ${String(parameters['limit'])} characters long`
    case 'maxLength':
      return `must be at most ${String(parameters['limit'])} characters long`
    case 'minimum':
      return `must be at least ${String(parameters['limit'])}`
    case 'maximum':
      return `must be at most ${String(parameters['limit'])}`
    case 'minItems':
      return `must have at least ${String(parameters['limit'])} entries`
    case 'maxItems':
      return `must have at most ${String(parameters['limit'])} entries`
    case 'minProperties':
      return 'must name at least one field'
    default:
      return error.message ?? 'is not valid'
  }
}

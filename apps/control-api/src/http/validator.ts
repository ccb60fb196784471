/** Compiles request schemas once and turns what fails into `details.fields`, all of it at once (VAL-02). */
import { CostError, usd } from '@iron/cost-calculator'
import { Faults, isId } from '@iron/database'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { validationError } from './errors.ts'
import type { TSchema } from './schemas.ts'

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, coerceTypes: false, messages: true })

/** A validation function of a keyword: true, or the rule that is broken. */
function keyword<Rule>(
  name: string,
  type: 'string' | 'number',
  broken: (rule: Rule, value: never) => string | undefined,
): void {
  const validate = (rule: Rule, value: unknown): boolean => {
    const message = broken(rule, value as never)
    ;(validate as { errors?: unknown[] }).errors = message === undefined ? [] : [{ keyword: name, message, params: {} }]
    return message === undefined
  }
  ajv.addKeyword({ keyword: name, type, errors: true, validate })
}

interface TextRule {
  readonly min: number
  readonly max: number
  readonly multiline: boolean
}

keyword('ironText', 'string', (rule: TextRule, value: string) => {
  const faults = new Faults()
  faults.text('text', rule.multiline ? value : value.trim(), rule)
  return faults.details.fields['text']
})

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

const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

keyword('ironTime', 'string', (_: true, value: string) => {
  const match = DATE_TIME.exec(value)
  if (match === null) return 'must be an RFC 3339 time with Z or an offset'
  const [, year, month, day, hour, minute, second] = match.map(Number)
  const at = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second))
  const real =
    at.getUTCMonth() + 1 === month &&
    at.getUTCDate() === day &&
    at.getUTCHours() === hour &&
    at.getUTCMinutes() === minute
  return real && !Number.isNaN(Date.parse(value)) ? undefined : 'must be a time that exists'
})

/** Checks a value against a schema. @throws {ApiError} VALIDATION_ERROR */
export type Check = (value: unknown) => void

/**
 * Compiles a schema.
 *
 * @param prefix stands before every path: `query.` for a query, nothing for a body
 */
export function compileCheck(schema: TSchema, prefix = ''): Check {
  const validate: ValidateFunction = ajv.compile(schema)
  return (value) => {
    if (validate(value)) return
    throw validationError(fieldsOf(validate.errors ?? [], prefix))
  }
}

function fieldsOf(errors: readonly ErrorObject[], prefix: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const error of errors) {
    const path = pathOf(error)
    const name = path === '' ? '$' : `${prefix}${path}`
    if (!Object.hasOwn(fields, name)) {
      Object.defineProperty(fields, name, {
        value: textOf(error),
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
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

const TYPE_TEXT: Readonly<Record<string, string>> = {
  string: 'must be a text',
  number: 'must be a number',
  integer: 'must be a whole number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be an object',
}

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
      return TYPE_TEXT[String(parameters['type'])] ?? `must be ${String(parameters['type'])}`
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

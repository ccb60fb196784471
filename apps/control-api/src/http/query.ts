import type { TSchema } from './schemas.ts'
import { validationError } from './errors.ts'

/**
 * Reads a query string. A parameter given twice is 400; numbers and booleans take their declared type when they are written
 * canonically, and stay texts otherwise, which the schema refuses.
 *
 * @throws {ApiError} VALIDATION_ERROR
 */
export function parseQuery(search: string, schema: TSchema): Record<string, unknown> {
  const properties = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {}
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const twice: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(search)) {
    if (name in values) twice[`query.${name}`] = 'is given twice'
    values[name] = typed(value, Object.hasOwn(properties, name) ? properties[name]?.type : undefined)
  }
  if (Object.keys(twice).length > 0) throw validationError(twice)
  return values
}

function typed(value: string, type: string | undefined): unknown {
  if ((type === 'integer' || type === 'number') && /^-?(0|[1-9]\d{0,15})(\.\d{1,15})?$/.test(value))
    return Number(value)
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

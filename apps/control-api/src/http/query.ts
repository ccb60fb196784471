import type { TSchema } from './schemas.ts'

/** A query string as read: a repeated parameter has its last value and is named. */
export interface ParsedQuery {
  readonly values: Record<string, unknown>
  readonly repeated: readonly string[]
}

/** What a query schema says of its parameters. */
interface Declared {
  readonly properties?: Readonly<Record<string, { readonly type?: string }>>
}

/**
 * Reads a query string. Numbers and booleans take their declared type when they are written canonically, and stay texts
 * otherwise, which the schema refuses.
 */
export function parseQuery(search: string, schema: TSchema | undefined): ParsedQuery {
  const values = Object.create(null) as Record<string, unknown>
  const repeated: string[] = []
  if (search === '') return { values, repeated }
  const { properties = {} }: Declared = schema ?? {}
  for (const [name, value] of new URLSearchParams(search)) {
    if (name in values) repeated.push(name)
    values[name] = typed(value, Object.hasOwn(properties, name) ? properties[name]?.type : undefined)
  }
  return { values, repeated }
}

const INTEGER = /^(0|-?[1-9]\d{0,15})$/
const DECIMAL = /^-?(0|[1-9]\d{0,15})(\.\d{1,15})?$/

function typed(value: string, type: string | undefined): unknown {
  switch (type) {
    case 'integer':
      return INTEGER.test(value) ? Number(value) : value
    case 'number':
      return DECIMAL.test(value) ? Number(value) : value
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value
    default:
      return value
  }
}

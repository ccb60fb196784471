/** The building blocks of request schemas: http-api 1.2 to 1.5 as JSON Schema with a few keywords of our own. */
import type { IdPrefix } from '@iron/database'
import { type Static, type TSchema, Type } from 'typebox'
import type { TextRuleName } from './text-rules.ts'

/** Bounds of a text, in code points. */
interface TextBounds {
  readonly min?: number
  readonly max: number
  /** Tabs and line breaks allowed; stored as sent. Otherwise the text is a name: trimmed, and not empty then. */
  readonly multiline?: boolean
  /** Measured, and stored, without the blanks around it, although it may have lines. */
  readonly trimmed?: boolean
  /** Of a package, which applies it again. */
  readonly rule?: TextRuleName
  /** One line, as sent: a password. */
  readonly verbatim?: boolean
}

/** A text (keyword `ironText`). */
export const text = (bounds: TextBounds) =>
  Type.Unsafe<string>({ type: 'string', ironText: { min: 1, multiline: false, verbatim: false, ...bounds } })

/** A text under a rule of a package, which the package applies again (keyword `ironRule`). */
export const ruled = (rule: TextRuleName) => Type.Unsafe<string>({ type: 'string', ironRule: rule })

/** An id of ours in a body or query: malformed is 400. */
export const id = (prefix: IdPrefix) => Type.Unsafe<string>({ type: 'string', ironId: prefix })

/** A provider by id or name, and other references that are looked up. */
export const visibleAscii = (max: number) => Type.Unsafe<string>({ type: 'string', ironAscii: max })

/** An amount of money in USD: 0.000001 to 1e9 with at most 6 decimals (http-api 1.3). */
export const usdAmount = () => Type.Unsafe<number>({ type: 'number', ironUsd: 'amount' })

/** The same, or 0. */
export const usdAmountOrZero = () => Type.Unsafe<number>({ type: 'number', ironUsd: 'amountOrZero' })

/** A cost in USD: 0 to 1e9, a rest below a microdollar is rounded up. */
export const usdCost = () => Type.Unsafe<number>({ type: 'number', ironUsd: 'cost' })

/** An RFC 3339 date-time with `Z` or an offset. */
export const time = () => Type.Unsafe<string>({ type: 'string', ironTime: true })

/** A count of something: 0 to 2^53 - 1 unless a smaller limit is given. */
export const count = (maximum = Number.MAX_SAFE_INTEGER) => Type.Integer({ minimum: 0, maximum })

/** One of the listed texts. */
export const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values })

/** The same, or null: null clears what may be missing (http-api 1.5). */
export const nullable = <Schema extends TSchema>(schema: Schema) =>
  Type.Unsafe<Static<Schema> | null>(
    'ironName' in schema
      ? { anyOf: [schema, { type: 'null' }] }
      : 'enum' in schema
        ? { ...schema, type: ['string', 'null'], enum: [...(schema.enum as string[]), null] }
        : { ...schema, type: [(schema as { readonly type?: string }).type, 'null'] },
  )

/** Marks a field whose value is stored nowhere as it was sent (annotation `ironSecret`). */
export const secret = (schema: ReturnType<typeof Type.Unsafe<string>>) =>
  Type.Unsafe<string>({ ...schema, ironSecret: true })

/** The secret fields of a body. */
export function secretFields(schema: TSchema | undefined): readonly string[] {
  const { properties = {} } = (schema ?? {}) as { readonly properties?: Readonly<Record<string, object>> }
  return Object.keys(properties).filter((name) => 'ironSecret' in (properties[name] ?? {}))
}

/** A password somebody logs in with. Never trimmed. */
export const givenPassword = () => secret(text({ max: PASSWORD_MAX, verbatim: true }))

/** A password that is to be stored. */
export const newPassword = () => secret(ruled('password'))

/** Code points of a password (http-api 4.1). */
const PASSWORD_MAX = 1_000

/** An item of a batch that is checked by itself, so that it affects no other (annotation `ironItem`: what it must be). */
export const checkedApart = (schema: TSchema) => Type.Unsafe<unknown>({ ironItem: schema })

/** An update: at least one field, and no unknown one. */
export const changes = <Fields extends Record<string, TSchema>>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false, minProperties: 1 })

/** An object without unknown fields, where one of `names` at least is more than null (keyword `ironSetsOne`). */
export const objectSettingOne = <Fields extends Record<string, TSchema>>(
  names: readonly (keyof Fields & string)[],
  fields: Fields,
) => Type.Object(fields, { additionalProperties: false, ironSetsOne: names })

/** An object without unknown fields. */
export const object = <Fields extends Record<string, TSchema>>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false })

/** Query of a paged list (http-api 1.7). */
export const page = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
}

/** `sort` of a paged list: one of the fields, `-` before it for descending. */
export const sort = (...fields: string[]) => ({
  sort: Type.Optional(oneOf(...fields.flatMap((field) => [field, `-${field}`]))),
})

/** Query of a log (http-api 1.7). */
export const cursor = {
  after: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  order: Type.Optional(oneOf('asc', 'desc')),
}

export const optional = Type.Optional
export const array = Type.Array
export const boolean = Type.Boolean
export { type Static, type TSchema, Type }

/**
 * What the shapes of answers are made of. A shape stands beside the function that fills it in, whose return type it is, so that
 * the OpenAPI document says what the compiler and the tests have seen.
 */
import { type Static, type TSchema, Type } from '../http/schemas.ts'

type Fields = Readonly<Record<string, TSchema>>

/** The type of what a shape describes. */
export type Shaped<Schema extends TSchema> = Static<Schema>

/** An object that the document knows by a name (annotation `ironName`). */
export const component = <const Shape extends Fields>(name: string, fields: Shape) =>
  Type.Object(fields, { ironName: name })

/** An object without a name of its own. */
export const shape = <const Shape extends Fields>(fields: Shape) => Type.Object(fields)

/** A list of anything; never null (http-api 1.5). */
export const list = <Item extends TSchema>(item: Item) =>
  Type.Unsafe<readonly Static<Item>[]>({ type: 'array', items: item })

/** A text, as in the example. */
export const shown = (example: string) => Type.Unsafe<string>({ type: 'string', examples: [example] })

/** A text that is always the same. */
export const always = <const Value extends string>(value: Value) =>
  Type.Unsafe<Value>({ type: 'string', enum: [value] })

/** US dollars, never below 0 (http-api 1.3). */
export const dollars = (example: number) =>
  Type.Unsafe<number>({ type: 'number', minimum: 0, examples: [example], description: 'US dollars' })

/** US dollars, below 0 too. */
export const signedDollars = (example: number) =>
  Type.Unsafe<number>({ type: 'number', examples: [example], description: 'US dollars' })

/** A whole number, never below 0. */
export const whole = (example: number) => Type.Unsafe<number>({ type: 'integer', minimum: 0, examples: [example] })

/** A percentage with at most 2 decimals; may be above 100. */
export const percent = (example: number) => Type.Unsafe<number>({ type: 'number', minimum: 0, examples: [example] })

/** True or false, as in the example. */
export const flag = (example: boolean) => Type.Unsafe<boolean>({ type: 'boolean', examples: [example] })

/** Free-form data. */
export const anyObject = () =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', additionalProperties: true, examples: [{}] })

/** Any JSON. */
export const anything = (example: unknown) => Type.Unsafe<unknown>({ examples: [example] })

/** The same shape with another example. */
export const usuallyAs = <Schema extends TSchema>(example: Static<Schema>, schema: Schema) =>
  Type.Unsafe<Static<Schema>>({ ...schema, examples: [example] })

/** The same shape with null as its example: what most rows do not have. */
export const usuallyNull = <Schema extends TSchema>(schema: Schema) =>
  Type.Unsafe<Static<Schema>>({ ...schema, examples: [null] })

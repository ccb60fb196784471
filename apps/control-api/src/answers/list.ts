/** Lists as they are answered (http-api 1.7). */
import { nullable, Type, type TSchema } from '../http/schemas.ts'
import { component, list, shape, shown, whole } from './shape.ts'

const pagination = component('Pagination', {
  page: whole(1),
  per_page: whole(50),
  total: whole(1),
  total_pages: whole(1),
})

/** The fields of a page of things that change. */
export const pageFields = <Item extends TSchema>(item: Item) => ({ data: list(item), pagination })

/** A page of things that change. */
export const pageOfShape = <Item extends TSchema>(item: Item) => shape(pageFields(item))

/** A part of a log: the cursor of the next one, or null at its end. */
export const logOfShape = <Item extends TSchema>(item: Item) =>
  shape({ data: list(item), next_cursor: nullable(shown('4711')) })

/** An answer that shows a secret once: a replay of it has null in its place, and says so. */
export const secretOmitted = { secret_omitted: Type.Optional(Type.Unsafe<boolean>({ type: 'boolean', examples: [] })) }

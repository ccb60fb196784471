/** Examples of whole answers, put together from those of their fields. */

interface Described {
  readonly examples?: readonly unknown[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly unknown[]
  readonly type?: string | readonly string[]
  readonly items?: unknown
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly ironId?: unknown
  readonly ironTime?: unknown
}

/**
 * An example of a schema in Iron's own keywords. Fields whose list of examples is empty are left out.
 *
 * @param scalarOf the example of an id or a time
 * @throws Error for a scalar that shows none
 */
export function exampleOf(schema: unknown, scalarOf: (schema: unknown) => unknown): unknown {
  const { examples, enum: values, anyOf, type, items, properties } = schema as Described
  if (examples !== undefined && examples.length > 0) return examples[0]
  if (values !== undefined) return values[0]
  if (anyOf !== undefined) return exampleOf(anyOf[0], scalarOf)
  if ([type].flat().includes('array')) return [exampleOf(items, scalarOf)]
  if (properties === undefined) return scalarOf(schema)
  const shown = Object.entries(properties).filter(([, field]) => (field as Described).examples?.length !== 0)
  return Object.fromEntries(shown.map(([name, field]) => [name, exampleOf(field, scalarOf)]))
}

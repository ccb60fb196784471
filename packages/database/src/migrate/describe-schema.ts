import type { AnySchema, Engine } from '@iron/migrations'
import { describePostgres } from './describe-postgres.ts'
import { describeSqlite } from './describe-sqlite.ts'

/** One object of a schema, spelled so that two equal objects have equal texts. */
export interface SchemaObject {
  readonly kind: 'table' | 'index' | 'trigger' | 'function' | 'view'
  readonly name: string
  /** SQL with everything that matters: types, nullability, defaults, keys, checks, predicates, bodies, storage settings. */
  readonly sql: string
}

/** Every object of the current schema, sorted by kind and name. Objects of the engine and of extensions are left out. */
export async function describeSchema(db: AnySchema, engine: Engine): Promise<SchemaObject[]> {
  const objects = await (engine === 'sqlite' ? describeSqlite(db) : describePostgres(db))
  return objects.sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name))
}

/** One object that is not as it should be. */
export interface Difference {
  /** Kind and name: `index users_email`. */
  readonly object: string
  readonly text: string
}

/** What differs between two descriptions; empty when they are equal. */
export function differencesOf(expected: readonly SchemaObject[], actual: readonly SchemaObject[]): Difference[] {
  const texts = (objects: readonly SchemaObject[]): Map<string, string> =>
    new Map(objects.map(({ kind, name, sql }) => [`${kind} ${name}`, sql]))
  const wanted = texts(expected)
  const found = texts(actual)
  const differences: Difference[] = []
  for (const [object, sql] of wanted) {
    const live = found.get(object)
    if (live === undefined) differences.push({ object, text: 'is missing' })
    else if (live !== sql) differences.push({ object, text: `is ${live} instead of ${sql}` })
  }
  for (const object of found.keys()) {
    if (!wanted.has(object)) differences.push({ object, text: 'is not part of the schema' })
  }
  return differences
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

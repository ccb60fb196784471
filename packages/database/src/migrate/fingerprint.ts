import { createHash } from 'node:crypto'
import type { AnySchema, Engine } from '@iron/migrations'
import { describeSchema, type SchemaObject } from './describe-schema.ts'

/** SHA-256 over the description of the schema as it is now (data-model 9.6). A dropped trigger changes it. */
export async function fingerprint(db: AnySchema, engine: Engine): Promise<string> {
  return fingerprintOf(await describeSchema(db, engine))
}

export function fingerprintOf(objects: readonly SchemaObject[]): string {
  const hash = createHash('sha256')
  for (const { kind, name, sql } of objects) hash.update(`${kind}\0${name}\0${sql}\0`)
  return hash.digest('hex')
}

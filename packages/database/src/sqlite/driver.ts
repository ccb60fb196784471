import Database from 'better-sqlite3'
import { DatabaseError } from '../errors.ts'

/** The version of Node-API that better-sqlite3 13 is built for. An older Node loads it all the same, and crashes in its first call. */
const NODE_API = 10
/** The first Node of its line to have it. */
const NODE_OLDEST = '22.14'

/** @throws {DatabaseError} DATABASE_UNAVAILABLE on a Node that SQLite would crash */
export function openConnection(file: string | Buffer, options: Database.Options): Database.Database {
  requireNodeApi(process.versions)
  return new Database(file, options)
}

/** @throws {DatabaseError} DATABASE_UNAVAILABLE */
export function requireNodeApi({ node, napi }: { readonly node: string; readonly napi?: string | undefined }): void {
  // Bun and Deno say what they have in the same place, or nothing.
  if (napi === undefined || Number(napi) >= NODE_API) return
  throw new DatabaseError('DATABASE_UNAVAILABLE', `SQLite needs Node ${NODE_OLDEST} or newer; this is ${node}`)
}

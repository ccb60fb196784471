import { statSync } from 'node:fs'
import { DatabaseError } from '../errors.ts'

/**
 * The files of an open database, and whether they are still those under their names. An open file that is deleted or replaced goes
 * on taking writes, which nobody will ever find again. SQLite looks (at device and inode, too) before it makes a rollback journal,
 * but not when it writes ahead, so whoever commits must.
 */
export class OpenFiles {
  readonly #names: readonly string[]
  readonly #identities = new Map<string, string>()

  /** @param file the database that was just opened; its journal is known from the first look at which it is there */
  constructor(file: string) {
    this.#names = [file, `${file}-wal`]
    this.requireInPlace()
  }

  /** @throws {DatabaseError} DATABASE_UNAVAILABLE when one of them is gone or another: `details.reason` `deleted`, `replaced` */
  requireInPlace(): void {
    for (const name of this.#names) {
      const identity = identityOf(name)
      const known = this.#identities.get(name)
      if (known === identity) continue
      if (known === undefined && identity !== undefined) this.#identities.set(name, identity)
      else throw notInPlace(name, identity === undefined ? 'deleted' : 'replaced')
    }
  }
}

function identityOf(name: string): string | undefined {
  const found = statSync(name, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? undefined : `${String(found.dev)}:${String(found.ino)}`
}

function notInPlace(file: string, reason: 'deleted' | 'replaced'): DatabaseError {
  return new DatabaseError(
    'DATABASE_UNAVAILABLE',
    `${file} was ${reason} while it was open: nothing is written any more; stop the server and restore a backup`,
    { details: { reason, file } },
  )
}

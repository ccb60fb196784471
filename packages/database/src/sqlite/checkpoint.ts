import { SqliteConnection } from './connection.ts'
import type { ReaderSetup } from './reader-protocol.ts'

/** The second pass copies what was written during the first, so that little is left. */
const PASSES = 2

/** Copies the write-ahead log into the database on a connection of its own: a reader's cannot write. Nobody waits for it, and it for nobody. */
export function checkpoint({ file, busyTimeoutMs }: ReaderSetup): void {
  const connection = new SqliteConnection(file, { mustExist: true, busyTimeoutMs })
  try {
    for (let pass = 0; pass < PASSES; pass += 1)
      connection.run({ sql: 'PRAGMA wal_checkpoint(PASSIVE)', parameters: [] })
  } finally {
    connection.close()
  }
}

import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { type IronDatabase, openDatabase } from '../../src/index.ts'
import { createTestPlace, type TestPlace } from '../../src/testing.ts'

let place: TestPlace
let db: IronDatabase
let rows: number

beforeEach(async () => {
  rows = 0
  place = await createTestPlace('sqlite')
  db = await openDatabase(place.url)
})

afterEach(async () => {
  await db.close()
  await place.remove()
})

/** Fewer than the writer would copy itself, more than a checkpointer leaves. */
const MANY_PAGES = 7_000

async function write(pages: number): Promise<void> {
  const value = 'x'.repeat(4_000)
  await db.write(async (tx) => {
    for (let page = 0; page < pages; page += 1) {
      rows += 1
      await tx.execute({ sql: 'INSERT INTO meta (key, value) VALUES (?, ?)', parameters: [`row-${rows}`, value] })
    }
  })
}

/** Pages of the log, and those of them that have been copied. */
function progress(): { readonly log: number; readonly checkpointed: number } {
  const connection = new Database(fileOf(place.url), { fileMustExist: true })
  try {
    const [answer] = connection.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[]
    if (answer === undefined) throw new Error('SQLite does not tell')
    return answer
  } finally {
    connection.close()
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`it never came: ${JSON.stringify(progress())}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a long log is copied beside the writer, and begins anew', async () => {
  await write(MANY_PAGES)
  await until(() => {
    const { log, checkpointed } = progress()
    return log === checkpointed
  })
  await write(1)
  expect(progress().log).toBeLessThan(100)
})

test('a log that a reader still needs is copied when it has ended', async () => {
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const count = (): Promise<number> =>
    db.read(async (tx) => {
      const { rows: counted } = await tx.execute<{ n: number }>({
        sql: 'SELECT count(*) AS n FROM meta',
        parameters: [],
      })
      return counted[0]?.n ?? 0
    })
  const before = await count()
  const reading = db.read(async (tx) => {
    await tx.execute({ sql: 'SELECT 1 FROM meta', parameters: [] })
    await ended
    const { rows: counted } = await tx.execute<{ n: number }>({ sql: 'SELECT count(*) AS n FROM meta', parameters: [] })
    return counted[0]?.n
  })
  // The snapshot stands before anything is written.
  await new Promise((resolve) => setTimeout(resolve, 300))
  const { log: seen } = progress()
  await write(MANY_PAGES)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(progress().checkpointed).toBeLessThanOrEqual(seen)
  end()
  expect(await reading).toBe(before)
  const deadline = Date.now() + 10_000
  while (progress().log >= 100) {
    if (Date.now() > deadline) throw new Error(`it never began anew: ${JSON.stringify(progress())}`)
    await write(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(await count()).toBe(before + rows)
})

test('a database that is closed during a checkpoint waits for it', async () => {
  await write(MANY_PAGES)
  await db.close()
  db = await openDatabase(place.url)
  await write(1)
  const counted = await db.read((tx) =>
    tx.execute<{ n: number }>({ sql: 'SELECT count(*) AS n FROM meta', parameters: [] }),
  )
  expect(counted.rows[0]?.n).toBeGreaterThan(MANY_PAGES)
})

function fileOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url.replace(/^sqlite:/, '')
}

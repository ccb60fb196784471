import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { openDatabase, type ReadTx } from '../../src/index.ts'
import { ReaderPool } from '../../src/sqlite/reader-pool.ts'
import { createTestPlace } from '../../src/testing.ts'

const PAGE_BYTES = 4_096

test('reader threads start in a program that is given as text, and with a heap whose size is given', async () => {
  const place = await createTestPlace('sqlite')
  try {
    const code = `
      import { openDatabase } from '@iron/database'
      await using db = await openDatabase(${JSON.stringify(place.url)})
      const rows = await db.read((tx) => tx.sql.selectFrom('log_heads').select('name').orderBy('name').execute())
      console.log(rows.map(({ name }) => name).join())`
    const cwd = path.join(import.meta.dirname, '..', '..')
    // What is V8's own cannot be handed to a thread.
    for (const word of ['--input-type=module', '--input-type=module-typescript', '--max-old-space-size=512']) {
      const { stdout } = await promisify(execFile)(process.execPath, [word, '-e', code], { cwd })
      expect(stdout).toBe('audit,events\n')
    }
  } finally {
    await place.remove()
  }
})

test('OPS-08 without reader threads each read has its own snapshot, which cannot be written to', async () => {
  const place = await createTestPlace('sqlite')
  try {
    await using writer = await openDatabase(place.url)
    await using db = await openDatabase(place.url, { migrations: 'unchecked', readers: 0 })
    const write = (key: string): Promise<unknown> =>
      writer.write((tx) => tx.sql.insertInto('meta').values({ key, value: 'v' }).execute())
    const keys = async (tx: ReadTx): Promise<string[]> =>
      (await tx.sql.selectFrom('meta').select('key').where('value', '=', 'v').execute()).map(({ key }) => key)
    const first = db.read(async (tx) => {
      const before = await keys(tx)
      await write('a')
      return [before, await keys(tx)]
    })
    // It waits for the first one's snapshot to end, and has a newer one.
    const second = db.read(keys)
    expect(await first).toEqual([[], []])
    expect(await second).toEqual(['a'])
    const sneak = db.read((tx) => tx.execute({ sql: "DELETE FROM meta WHERE key = 'a'", parameters: [] }))
    await expect(sneak).rejects.toThrow(/cannot be written/)
    expect(await db.read(keys)).toEqual(['a'])
  } finally {
    await place.remove()
  }
})

test('short reads take turns on one thread, and who waits long for it is given another', async () => {
  const place = await createTestPlace('sqlite')
  try {
    await using db = await openDatabase(place.url)
    const pool = new ReaderPool({ file: db.url.replace('sqlite:', ''), busyTimeoutMs: 0 }, 2)
    const reader = (): Promise<unknown> => pool.use(async (lent) => lent)
    const [first, second, third] = await Promise.all([reader(), reader(), reader()])
    expect(second).toBe(first)
    expect(third).toBe(first)
    const gate = Promise.withResolvers<undefined>()
    const held = pool.use(() => gate.promise)
    expect(await reader()).not.toBe(first)
    gate.resolve(undefined)
    await held
    await pool.close()
  } finally {
    await place.remove()
  }
})

test('a read that meets a damaged page fails alone, and its thread goes on', async () => {
  const place = await createTestPlace('sqlite')
  try {
    const source = await openDatabase(place.url)
    const file = place.url.replace('sqlite:', '')
    const copy = `${file}.damaged`
    await source.backup(copy)
    await source.close()
    await using db = await openDatabase(copy, { migrations: 'unchecked', readers: 1 })
    const pages = { sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'users'", parameters: [] }
    const { rows } = await db.read((tx) => tx.execute<{ rootpage: number }>(pages))
    const bytes = readFileSync(copy)
    const from = (Number(rows[0]?.rootpage) - 1) * PAGE_BYTES
    writeFileSync(copy, bytes.fill(0xa5, from, from + PAGE_BYTES))
    const [users, heads] = await Promise.allSettled([
      db.read((tx) => tx.sql.selectFrom('users').selectAll().execute()),
      db.read((tx) => tx.sql.selectFrom('log_heads').select('name').execute()),
    ])
    expect(users).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/damaged/) } })
    expect(heads).toMatchObject({ status: 'fulfilled', value: [{}, {}] })
  } finally {
    await place.remove()
  }
})

import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { openDatabase, type ReadTx } from '../../src/index.ts'
import { createTestPlace } from '../../src/testing.ts'

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

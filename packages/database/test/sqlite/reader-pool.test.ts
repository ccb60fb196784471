import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { createTestPlace } from '../../src/testing.ts'

test('reader threads start in a program that is given as text', async () => {
  const place = await createTestPlace('sqlite')
  try {
    const code = `
      import { openDatabase } from '@iron/database'
      await using db = await openDatabase(${JSON.stringify(place.url)})
      const rows = await db.read((tx) => tx.sql.selectFrom('log_heads').select('name').orderBy('name').execute())
      console.log(rows.map(({ name }) => name).join())`
    const cwd = path.join(import.meta.dirname, '..', '..')
    for (const type of ['module', 'module-typescript']) {
      const { stdout } = await promisify(execFile)(process.execPath, [`--input-type=${type}`, '-e', code], { cwd })
      expect(stdout).toBe('audit,events\n')
    }
  } finally {
    await place.remove()
  }
})

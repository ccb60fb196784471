import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { claimDatabase, openDatabase } from '../../src/index.ts'
import { createTestPlace } from '../../src/testing.ts'

const WAIT_MS = 100

/** Claims it in another process. @returns what that says */
async function claimElsewhere(url: string): Promise<string> {
  const code = `
    import { claimDatabase } from '@iron/database'
    try {
      claimDatabase(${JSON.stringify(url)}, ${String(WAIT_MS)})
      console.log('claimed')
    } catch (error) {
      console.log(error.code, error.message)
    }`
  const cwd = path.join(import.meta.dirname, '..', '..')
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd })
  return stdout.trim()
}

test('a claimed SQLite file is refused to another process until it is let go, and can be used all the while', async () => {
  const place = await createTestPlace('sqlite')
  try {
    const claim = claimDatabase(place.url)
    await using db = await openDatabase(place.url)
    await db.ping()
    expect(await claimElsewhere(place.url)).toMatch(/^DATABASE_BUSY another server serves .*: stop it first/)
    claim[Symbol.dispose]()
    expect(await claimElsewhere(place.url)).toBe('claimed')
  } finally {
    await place.remove()
  }
})

test.each([':memory:', 'postgres://nobody@127.0.0.1:1/nothing'])('%s needs no claim', (source) => {
  using one = claimDatabase(source)
  using other = claimDatabase(source)
  expect([one, other]).toHaveLength(2)
})

/** For root nothing is read-only. */
const asUser = process.getuid?.() === 0 ? test.skip : test

asUser.each([
  ['file', 0o444, (file: string) => file],
  ['folder', 0o555, (file: string) => path.dirname(file)],
])('a %s that cannot be written is refused', async (_, mode, of) => {
  const place = await createTestPlace('sqlite')
  try {
    await (await openDatabase(place.url)).close()
    await chmod(of(place.url), mode)
    expect(() => claimDatabase(place.url)).toThrow(`${of(place.url)} cannot be written`)
  } finally {
    await chmod(of(place.url), 0o755)
    await place.remove()
  }
})

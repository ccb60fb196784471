/** DAT-12: whoever chains entries with another key than the log's own would break it for ever, so nobody starts with one. */
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { ADMIN, createInstallation, startServer } from '../support/server-process.ts'
import { iron } from './iron.ts'

const KEY = 'the key of the audit log of this test'
const OTHER_KEY = 'another key of an audit log than this'

describe.each(await enginesForTests())('DAT-12 IRON_AUDIT_KEY on %s', (dialect) => {
  test('is what it was when the log was begun, for the server and for every command that writes', async () => {
    await using installation = await createInstallation(dialect, { IRON_AUDIT_KEY: KEY })
    {
      await using server = await startServer(installation)
      expect(server.address).toContain('127.0.0.1')
    }
    const refused = 'IRON_AUDIT_KEY is not the key with which the audit log of this database was begun'
    for (const [key, command] of [
      [OTHER_KEY, ['serve']],
      ['', ['serve']],
      [OTHER_KEY, ['admin', 'unlock', ADMIN.email]],
      ['', ['vault', 'rewrap']],
    ] as const) {
      const { code, out, err } = await iron({ ...installation.env, IRON_AUDIT_KEY: key }, command)
      expect([command, code, out, err]).toEqual([command, '2', '', expect.stringContaining(refused)])
    }
    expect((await iron(installation.env, ['admin', 'reset-password', ADMIN.email])).code).toBe('0')
    expect((await iron(installation.env, ['verify'])).code).toBe('0')
  }, 120_000)

  test('cannot be added to a log that was begun without one', async () => {
    await using installation = await createInstallation(dialect)
    await (await startServer(installation))[Symbol.asyncDispose]()
    const { code, err } = await iron({ ...installation.env, IRON_AUDIT_KEY: KEY }, ['serve'])
    expect([code, err]).toEqual(['2', expect.stringContaining('IRON_AUDIT_KEY must not be set')])
  }, 120_000)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { HttpClient } from '../support/http-client.ts'
import {
  ADMIN,
  createInstallation,
  expectStatus,
  type Installation,
  mainProgram,
  startServer,
} from '../support/server-process.ts'

/** Runs `iron …` on an installation. */
async function iron(installation: Installation, args: readonly string[], input = ''): Promise<Record<string, string>> {
  const child = spawn(process.execPath, ['--conditions=@iron/source', mainProgram, ...args], {
    env: { ...process.env, ...installation.env, NODE_OPTIONS: '' },
  })
  child.stdin.end(input)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: String(code), out, err }
}

describe.each(await enginesForTests())('iron admin on %s', (dialect) => {
  test('AUT-13 helps an operator who is locked out, beside a running server', async () => {
    await using installation = await createInstallation(dialect)
    await using server = await startServer(installation)
    using client = new HttpClient(server.address)
    const login = (email: string, password: string) => client.post('/auth/login', { email, password })
    for (let index = 0; index < 10; index += 1) await login(ADMIN.email, 'not the password')
    expect((await login(ADMIN.email, ADMIN.password)).body.code).toBe('ACCOUNT_LOCKED')

    expect((await iron(installation, ['admin', 'unlock', ' Admin@Iron.test'])).code).toBe('0')
    const { body } = expectStatus(await login(ADMIN.email, ADMIN.password), 200)
    const session = { Authorization: `Bearer ${String(body.access_token)}` }

    const reset = await iron(installation, ['admin', 'reset-password', ADMIN.email])
    const password = /^the password is (\S+)$/m.exec(reset['err'] ?? '')?.[1] ?? ''
    expect([reset['code'], password.length]).toEqual(['0', 24])
    expect((await login(ADMIN.email, ADMIN.password)).status).toBe(401)
    expect(expectStatus(await login(ADMIN.email, password), 200).body.password_change_required).toBe(true)
    expect((await client.get('/auth/me', session)).body.code).toBe('TOKEN_REVOKED')

    const args = ['admin', 'create', 'second@example.com', '--username', 'second', '--password-stdin']
    const created = await iron(installation, args, 'a password of their own\n')
    expect([created['code'], created['out']]).toEqual(['0', expect.stringContaining('second@example.com (user_')])
    const second = expectStatus(await login('second@example.com', 'a password of their own'), 200)
    expect(second.body).toMatchObject({ password_change_required: false, user: { role: 'admin', username: 'second' } })
    const audit = await client.get('/audit?actor_id=system:operator&order=asc', {
      Authorization: `Bearer ${String(second.body.access_token)}`,
    })
    expect(expectStatus(audit, 200).body.data.map((entry: { operation: string }) => entry.operation)).toEqual([
      'USER_UNLOCKED',
      'USER_PASSWORD_RESET',
      'USER_CREATED',
    ])
  }, 120_000)

  test('says what is wrong and changes nothing', async () => {
    await using installation = await createInstallation(dialect)
    expect((await iron(installation, ['migrate']))['code']).toBe('0')
    for (const [args, message, exitCode = '1'] of [
      [['admin', 'unlock', 'nobody@example.com'], 'there is no user with the e-mail nobody@example.com'],
      [['admin', 'reset-password', 'nobody@example.com'], 'there is no user with the e-mail'],
      [['admin', 'create', 'no-mail'], 'must be an e-mail address', '2'],
      [['admin', 'create', 'a@example.com', '--password-stdin'], 'must be 8 to 1000 characters long', '2'],
      [['admin'], 'Usage: iron admin', '2'],
    ] as const) {
      const { code, err } = await iron(installation, args, 'short')
      expect([args, code, err]).toEqual([args, exitCode, expect.stringContaining(message)])
    }
  }, 120_000)
})

test('DAT-23 on a SQLite file that is not there, nothing is made: no file, no folder, no secrets', async () => {
  await using installation = await createInstallation('sqlite')
  const folder = path.dirname(installation.place.url)
  const { JWT_SECRET: _jwt, IC_TOKEN_SECRET: _ic, IRON_MASTER_KEYS: _keys, ...env } = installation.env
  for (const [url, args] of [
    [installation.place.url, ['admin', 'create', 'a@example.com']],
    [path.join(folder, 'missing', 'iron.db'), ['admin', 'unlock', 'a@example.com']],
    [installation.place.url, ['vault', 'rewrap']],
  ] as const) {
    const { code, out, err } = await iron({ ...installation, env: { ...env, DATABASE_URL: url } }, args)
    const message = expect.stringMatching(/there is no database file|the folder of the database does not exist/)
    expect([args, code, out, err]).toEqual([args, '1', '', message])
    expect(readdirSync(folder)).toEqual([])
  }
}, 120_000)

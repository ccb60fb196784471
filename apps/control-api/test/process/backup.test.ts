/**
 * DAT-22: a backup made while calls are reported is restored, on either engine, to a database that passes every check and serves on;
 * a backup that was changed, or a target that holds anything, is refused.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openDatabase } from '@iron/database'
import { createTestPlace, enginesForTests, manualClock, type TestPlace } from '@iron/database/testing'
import { EventLog, RequestLog } from '@iron/journal'
import type { NameCard } from '../../src/commands/backup/name-card.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { createAgent, expectStatus, type TestAgent } from '../support/server-process.ts'
import { iron } from './iron.ts'

const SECRETS = {
  jwtSecret: 'the secret of the sessions of this test',
  icTokenSecret: 'the secret of the agents of this test',
  masterKeys: `m1:${Buffer.alloc(32, 7).toString('base64')}`,
}
/** More than anything that is pruned must be kept, in milliseconds. */
const RETAINED_MS = 100 * 24 * 60 * 60 * 1_000
/** Reports in flight while the backup is made. */
const SENDERS = 8

const serve = (place: TestPlace): Promise<TestApi> => startApi({ databaseUrl: place.url, ...SECRETS })

const report = (leaseId: string, call: number): Record<string, unknown> => ({
  lease_id: leaseId,
  request_id: `call-${String(call)}`,
  model: 'gpt-4o',
  cost_usd: 0.001,
})

/** Changes a row of the ledger, as somebody could who has the file. */
async function changePast(file: string): Promise<void> {
  await using database = await openDatabase(file, { migrations: 'unchecked' })
  await database.write(async (tx) => {
    await tx.execute({ sql: 'DROP TRIGGER ledger_entries_no_update', parameters: [] })
    await tx.execute({
      sql: 'UPDATE ledger_entries SET amount_micros = amount_micros + 1 WHERE seq = 3',
      parameters: [],
    })
  })
}

const engines = await enginesForTests()

describe.each(engines)('an installation on %s', (dialect) => {
  const other = engines.find((engine) => engine !== dialect) ?? dialect
  let folder: string
  let file: string
  let place: TestPlace
  let restored: TestPlace
  let agent: TestAgent
  let leaseId: string
  let card: NameCard
  /** Reports that were answered before the backup began, and in all. */
  let [before, sent] = [0, 0]

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'iron-backup-'))
    file = path.join(folder, 'one.db')
    place = await createTestPlace(dialect)
    restored = await createTestPlace(other)
    await using api = await serve(place)
    const { client } = api
    agent = await createAgent(client, { allocatedUsd: 100 })
    const lease = expectStatus(await client.post('/budget/handshake', { requested_usd: 50 }, agent.runtime), 200)
    leaseId = String(lease.body.lease_id)
    const done = new AbortController()
    const send = async (): Promise<void> => {
      while (!done.signal.aborted) {
        expectStatus(await client.post('/budget/report', report(leaseId, sent++), agent.runtime), 200)
      }
    }
    const sending = Promise.all(Array.from({ length: SENDERS }, send))
    while (sent < 100) await new Promise((resolve) => setImmediate(resolve))
    before = sent - SENDERS
    const made = await iron({ DATABASE_URL: place.url }, ['backup', file, '--json'])
    done.abort()
    await sending
    expect(made).toMatchObject({ code: '0', err: '' })
    card = JSON.parse(made.out) as NameCard
  }, 60_000)

  afterAll(async () => {
    await place.remove()
    await restored.remove()
    rmSync(folder, { recursive: true })
  })

  const restore = (from: string, to: string, ...options: string[]): Promise<Record<'code' | 'out' | 'err', string>> =>
    iron({}, ['restore', from, '--to', to, ...options])

  test('its card tells what the file holds, which is at least what was acknowledged', () => {
    expect(JSON.parse(readFileSync(`${file}.json`, 'utf8'))).toEqual(card)
    expect(card).toMatchObject({ sound: true, ledger: { agents: 1 }, file: 'one.db' })
    expect(card.database).not.toContain(':pass')
    expect(card.rows['requests']).toBeGreaterThanOrEqual(before)
    expect(sent).toBeGreaterThan(before + SENDERS)
  })

  test('a backup is not written over', async () => {
    const again = await iron({ DATABASE_URL: place.url }, ['backup', file])
    expect(again).toMatchObject({ code: '3', out: '' })
    expect(again.err).toContain('exists already')
  })

  test(`it is restored to ${other}, passes every check, and serves on`, async () => {
    const { code, out, err } = await restore(file, restored.url, '--json')
    expect({ code, err }).toEqual({ code: '0', err: expect.stringContaining('JWT_SECRET') })
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      schema: { ok: true },
      audit: { ok: true },
      ledger: { checked: 1 },
    })
    await using api = await serve(restored)
    const { client } = api
    // Every acknowledged report is known, and the lease goes on.
    const known = expectStatus(await client.post('/budget/report', report(leaseId, 0), agent.runtime), 200)
    expect(known.body.duplicate).toBe(true)
    const next = expectStatus(await client.post('/budget/report', report(leaseId, sent + 1), agent.runtime), 200)
    expect(next.body.duplicate).toBe(false)
    const budget = expectStatus(await client.get(`/agents/${agent.agentId}/budget`, agent.admin), 200)
    expect(budget.body.allocated_usd).toBe(100)
  }, 60_000)

  test('a target that holds anything is refused and stays', async () => {
    const refused = await restore(file, restored.url)
    expect(refused).toMatchObject({ code: '3', out: '' })
    expect(refused.err).toContain('only an empty database')
  }, 60_000)

  test('the restored installation is copied on, verified on both sides', async () => {
    const target = await createTestPlace(dialect)
    const copied = await iron({}, ['copy', '--from', restored.url, '--to', target.url, '--json'])
    expect(copied).toMatchObject({ code: '0', err: expect.stringContaining('rows are now in') })
    expect(JSON.parse(copied.out)).toMatchObject({ ok: true, ledger: { checked: 1 } })
    await target.remove()
  }, 60_000)

  test('DAT-22 what retention took away leaves sound books, also in a backup of the rest that is restored', async () => {
    const clock = manualClock(Date.now() + 2 * RETAINED_MS)
    const olderThan = clock.now() - RETAINED_MS
    await using database = await openDatabase(restored.url, { clock })
    const requests = new RequestLog(database)
    await requests.rollUp()
    expect(await requests.prune({ olderThan })).toBeGreaterThan(before)
    expect(await new EventLog(database).prune({ olderThan })).toBeGreaterThan(before)
    const rest = path.join(folder, 'rest.db')
    const made = await iron({ DATABASE_URL: restored.url }, ['backup', rest, '--json'])
    expect(made).toMatchObject({ code: '0', err: '' })
    expect(JSON.parse(made.out)).toMatchObject({ sound: true, rows: { requests: 0, events: 0 } })
    const target = await createTestPlace(dialect)
    expect((await restore(rest, target.url)).code).toBe('0')
    await using api = await serve(target)
    const known = expectStatus(await api.client.post('/budget/report', report(leaseId, 0), agent.runtime), 200)
    expect(known.body.duplicate).toBe(true)
    expect(await iron({ DATABASE_URL: target.url }, ['verify'])).toMatchObject({ code: '0' })
    await api[Symbol.asyncDispose]()
    await target.remove()
  }, 60_000)

  // The same kind of file whatever it was made from: once is enough.
  if (dialect !== engines[0]) return
  test('a changed backup is not restored, whether or not its card was changed with it', async () => {
    const tampered = path.join(folder, 'tampered.db')
    copyFileSync(file, tampered)
    copyFileSync(`${file}.json`, `${tampered}.json`)
    await changePast(tampered)
    const target = path.join(folder, 'never.db')
    const byCard = await restore(tampered, target)
    expect(byCard).toMatchObject({ code: '1', out: '' })
    expect(byCard.err).toContain('SHA-256')
    rmSync(`${tampered}.json`)
    expect(await restore(tampered, target)).toMatchObject({ code: '3', err: expect.stringContaining('no name card') })
    const mistyped = await restore(`${tampered}x`, target)
    expect(mistyped).toMatchObject({ code: '2', err: expect.stringContaining('there is no backup') })
    const byChain = await restore(tampered, target, '--without-card')
    expect(byChain).toMatchObject({ code: '1', out: '' })
    expect(byChain.err).toContain('row 3 is changed')
    // Whoever forges the card as well does not know where the chains were told to stand.
    writeFileSync(`${tampered}.json`, 'no card')
    expect((await restore(tampered, target)).code).toBe('2')
    const other = `1:${'0'.repeat(64)}`
    expect((await restore(file, target, '--expect', other)).code).toBe('1')
    expect(() => readFileSync(target)).toThrow('ENOENT')
  }, 60_000)
})

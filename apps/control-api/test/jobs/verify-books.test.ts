/** OPS-10: whoever changes a balance, a ledger row or an audit entry behind the server's back is found within a minute. */
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { openDatabase } from '@iron/database'
import { createTestDb, createTestPlace, enginesForTests, type TestDb } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'
import { AgentBudgetManager, LeaseManager, Ledger } from '@iron/lease-manager'
import { Registry } from 'prom-client'
import { verifyBooks, type VerifyBooksOptions } from '../../src/jobs/verify-books.ts'
import { VerificationWatch } from '../../src/observability/watch.ts'

const AGENTS = ['agent-1', 'agent-2', 'agent-3']
const ADMIN = 'user_admin'

/** Long enough for all that a test writes, however slow the machine: only one test is about slices. */
const WHOLE_MS = 60_000

type Opened = Pick<TestDb, 'db'>

/** The jobs on a database with three agents, run when a test says so. */
async function watching({ db }: Opened, url: string, options: VerifyBooksOptions = {}) {
  const budgets = new AgentBudgetManager(db)
  const leases = new LeaseManager(db)
  for (const agent of AGENTS) {
    await budgets.create(agent, usd(100), { ownerId: 'owner', actor: ADMIN })
    const { lease } = await leases.open(agent, usd(10))
    await leases.report(lease.id, { requestId: 'r1', model: 'gpt-4o', cost: usd(1) })
  }
  const jobs = new Map<string, { readonly everyMs: number; readonly work: () => Promise<unknown> }>()
  const verification = new VerificationWatch()
  const registry = new Registry()
  verification.registerIn(registry)
  let isSound = true
  const told: string[] = []
  const tell = (_: unknown, text?: string): void => void told.push(String(text))
  const ledger = new Ledger(db)
  const audit = new AuditLog(db)
  const verify = (): void => {
    verifyBooks(
      { every: (name, everyMs, work) => void jobs.set(name, { everyMs, work }) },
      {
        database: db,
        ledger,
        audit,
        readiness: { noteLedger: (sound) => (isSound = sound) },
        metrics: { verification },
      },
      url,
      { error: tell, warn: tell },
      { sliceMs: WHOLE_MS, ...options },
    )
  }
  verify()
  const figure = async (name: string): Promise<number> =>
    Number(/ (\S+)$/m.exec((await registry.getSingleMetricAsString(name)).split('\n').at(-1) ?? '')?.[1])
  return {
    leases,
    ledger,
    jobs,
    /** One run of each job, and what is known afterwards. */
    look: async () => {
      told.length = 0
      for (const { work } of jobs.values()) await work()
      const faults = [await figure('iron_ledger_faults'), await figure('iron_audit_faults')]
      return { isSound, faults, told: [...told] }
    },
    passes: async () => [
      await figure('iron_ledger_pass_timestamp_seconds'),
      await figure('iron_audit_pass_timestamp_seconds'),
    ],
  }
}

const SOUND = { isSound: true, faults: [0, 0], told: [] }

/** Takes away what protects tables, as somebody with the file in hands could. */
async function unprotect(world: TestDb, ...tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    if (world.db.dialect === 'postgres') await world.rows(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
    else {
      const ofTable = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?"
      for (const { name } of await world.rows<{ name: string }>(ofTable, table)) {
        await world.rows(`DROP TRIGGER ${name}`)
      }
    }
  }
}

describe.each(await enginesForTests())('the books on %s', (dialect) => {
  test('OPS-10 are all looked at within a minute', async () => {
    await using world = await createTestDb({ dialect })
    const { jobs, look, passes } = await watching(world, '')
    expect([...jobs.values()].every(({ everyMs }) => everyMs <= 60_000)).toBe(true)
    expect(await look()).toEqual(SOUND)
    expect(await passes()).toEqual([world.clock.now() / 1_000, world.clock.now() / 1_000])
  })

  test.each([
    ['a balance', "UPDATE agent_budgets SET spent_micros = 1 WHERE agent_id = 'agent-2'"],
    ['a lease', "UPDATE leases SET spent_micros = spent_micros + 1 WHERE agent_id = 'agent-2'"],
    [
      'the reason of an old ledger row',
      "UPDATE ledger_entries SET actor_id = 'x' WHERE agent_id = 'agent-2' AND seq = 1",
    ],
    ['a ledger row that is gone', "DELETE FROM ledger_entries WHERE agent_id = 'agent-2' AND seq = 2"],
  ])('OPS-10 tell %s', async (_, statement) => {
    await using world = await createTestDb({ dialect })
    const { look } = await watching(world, '')
    expect(await look()).toEqual(SOUND)
    await unprotect(world, 'leases', 'ledger_entries')
    await world.rows(statement)
    const { isSound, faults, told } = await look()
    expect([isSound, faults[0]! > 0, faults[1], new Set(told)]).toEqual([false, true, 0, new Set(['ledger mismatch'])])
  })

  test('OPS-10 tell a ledger whose budget is gone', async () => {
    await using world = await createTestDb({ dialect })
    const { look } = await watching(world, '')
    const unbind =
      dialect === 'postgres'
        ? [
            'ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_agent_id_fkey',
            'ALTER TABLE leases DROP CONSTRAINT leases_agent_id_fkey',
          ]
        : ['ledger_entries', 'leases'].flatMap((table) => [
            `CREATE TABLE kept_${table} AS SELECT * FROM ${table}`,
            `DROP TABLE ${table}`,
            `CREATE TABLE ${table} AS SELECT * FROM kept_${table}`,
          ])
    await unprotect(world, 'leases', 'ledger_entries')
    for (const statement of unbind) await world.rows(statement)
    await world.rows("DELETE FROM agent_budgets WHERE agent_id = 'agent-2'")
    expect(await look()).toEqual({ isSound: false, faults: [1, 0], told: ['ledger mismatch'] })
    await world.rows("DELETE FROM ledger_entries WHERE agent_id = 'agent-2'")
    await world.rows("DELETE FROM leases WHERE agent_id = 'agent-2'")
    expect(await look()).toEqual(SOUND)
  })

  test('a rebuilt budget is believed at the next look', async () => {
    await using world = await createTestDb({ dialect })
    const { look, ledger } = await watching(world, '')
    await world.rows("UPDATE agent_budgets SET spent_micros = 1 WHERE agent_id = 'agent-1'")
    expect((await look()).isSound).toBe(false)
    await ledger.rebuild('agent-1', ADMIN)
    expect(await look()).toEqual(SOUND)
  })

  test.each([
    ['an entry that was changed', "UPDATE audit_log SET operation = 'X' WHERE seq = 2"],
    ['an entry that is gone', 'DELETE FROM audit_log WHERE seq = 2'],
    [
      'a tail that is gone with the head',
      `DELETE FROM audit_log WHERE seq > 2;
       UPDATE log_heads SET head_seq = 2, head_hash = (SELECT hash FROM audit_log WHERE seq = 2) WHERE name = 'audit'`,
    ],
  ])('OPS-10 tell of the audit log %s, and the books stay ready', async (_, statements) => {
    await using world = await createTestDb({ dialect })
    const { look, leases } = await watching(world, '')
    await look()
    await leases.open('agent-1', usd(1))
    expect(await look()).toEqual(SOUND)
    await unprotect(world, 'audit_log', 'log_heads')
    for (const statement of statements.split(';')) await world.rows(statement)
    const bad = { isSound: true, faults: [0, 1], told: ['audit log is not what was written'] }
    expect(await look()).toEqual(bad)
    expect(await look()).toEqual(bad)
  })

  test('an audit entry that is mended is forgotten', async () => {
    await using world = await createTestDb({ dialect })
    const { look } = await watching(world, '')
    await look()
    const head = await world.scalar<number>('SELECT max(seq) FROM audit_log')
    await unprotect(world, 'audit_log', 'log_heads')
    for (const seq of [2, head]) {
      await world.rows(`UPDATE audit_log SET actor_id = actor_id || 'x' WHERE seq = ${seq}`)
      expect((await look()).faults).toEqual([0, 1])
      await world.rows(`UPDATE audit_log SET actor_id = substr(actor_id, 1, length(actor_id) - 1) WHERE seq = ${seq}`)
      expect((await look()).faults).toEqual([0, 0])
    }
  })

  test('slices that hold one step reach everything, and begin again', async () => {
    await using world = await createTestDb({ dialect })
    const { look, passes } = await watching(world, '', { sliceMs: 0 })
    for (const _ of AGENTS) {
      expect(await look()).toEqual(SOUND)
      expect((await passes())[0]).toBe(0)
    }
    await look()
    expect((await passes())[0]).toBe(world.clock.now() / 1_000)
    await unprotect(world, 'ledger_entries')
    await world.rows("UPDATE ledger_entries SET actor_id = 'x' WHERE agent_id = 'agent-3' AND seq = 1")
    for (const _ of AGENTS.slice(1)) expect((await look()).isSound).toBe(true)
    expect((await look()).isSound).toBe(false)
    expect((await look()).isSound).toBe(false)
  })
})

test.each(await enginesForTests())(
  'a long ledger is verified by a thread of its own on %s, and a fault of it is written down once',
  async (dialect) => {
    const place = await createTestPlace(dialect)
    try {
      await using db = await openDatabase(place.url)
      const { look } = await watching({ db }, place.url, { threadRowsMin: 1 })
      expect(await look()).toEqual(SOUND)
      await db.write((tx) =>
        tx.sql
          .updateTable('agent_budgets')
          .set({ spent_micros: usd(3) })
          .where('agent_id', '=', 'agent-2')
          .execute(),
      )
      const found = await look()
      expect([found.isSound, new Set(found.told)]).toEqual([false, new Set(['ledger mismatch'])])
      expect(await look()).toEqual(found)
      const { data } = await new AuditLog(db).list({ operation: 'LEDGER_MISMATCH' })
      expect(data.map(({ resourceId }) => resourceId)).toEqual(['agent-2'])
    } finally {
      await place.remove()
    }
  },
  60_000,
)

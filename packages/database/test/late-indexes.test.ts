/** Tables that stand for indexes are filled from what is there, and from then on for many rows at once. */
import { describe, expect, test } from '@jest/globals'
import { verifyKeptSums } from '../src/index.ts'
import { createTestDb, enginesForTests } from '../src/testing.ts'
import { applyMigrations } from '../src/migrate/apply.ts'
import { openEmpty } from './migrate/open-empty.ts'
import { shipped } from './migrate/steps.ts'

const HASH = 'f'.repeat(64)

describe.each(await enginesForTests())('late indexes on %s', (dialect) => {
  test('the step that begins them enters what is there, but for the last rows', async () => {
    await using database = await openEmpty(dialect)
    const apply = (steps: typeof shipped): Promise<unknown> =>
      applyMigrations(database.host, { mode: 'apply', appVersion: '1.2.3', steps })
    await apply(shipped.slice(0, 5))
    await database.rows("INSERT INTO agent_budgets (agent_id, created_at, updated_at) VALUES ('a', 1, 1), ('b', 1, 1)")

    /** Events with these numbers, of two agents in turn. */
    const append = (from: number, to: number): Promise<unknown> => {
      const numbers =
        dialect === 'sqlite'
          ? `WITH RECURSIVE n (seq) AS (SELECT ${String(from)} UNION ALL SELECT seq + 1 FROM n WHERE seq < ${String(to)})`
          : `WITH n AS (SELECT generate_series(${String(from)}::bigint, ${String(to)}) AS seq)`
      const agent = "CASE WHEN seq % 2 = 0 THEN 'a' ELSE 'b' END"
      const insert = `INSERT INTO events (seq, id, at, type, agent_id, data) ${numbers}`
      return database.rows(`${insert} SELECT seq, 'evt', 1, 'agent.started', ${agent}, '{}' FROM n ORDER BY seq`)
    }
    /** Rows of an agent's ledger with these numbers: an allocation, and then calls on two leases in turn. */
    const book = async (agent: string, from: number, to: number): Promise<void> => {
      for (let seq = from; seq <= to; seq += 1) {
        const [type, lease] = seq === 1 ? ['allocate', null] : ['spend', `${agent}-lease-${String(seq % 2)}`]
        await database.rows(
          `UPDATE agent_budgets SET ledger_seq = ${String(seq)}, ledger_hash = ?, version = 1, allocated_micros = 1000,
            spent_micros = ${String(seq - 1)} WHERE agent_id = ?`,
          HASH,
          agent,
        )
        await database.rows(
          `INSERT INTO ledger_entries (agent_id, seq, type, amount_micros, lease_id, version, allocated_after, reserved_after,
            spent_after, actor_id, reason, created_at, hash) VALUES (?, ${String(seq)}, ?, 1, ?, 1, 1000, 0, ${String(seq - 1)}, 'x', 'r', 1, ?)`,
          agent,
          type,
          lease,
          HASH,
        )
      }
    }
    const entries = async (): Promise<unknown> => [
      await database.rows(
        'SELECT agent_id, count(*) AS n, max(seq) AS last FROM agent_events GROUP BY agent_id ORDER BY 1',
      ),
      await database.rows(
        'SELECT lease_id, count(*) AS n, max(seq) AS last FROM lease_entries GROUP BY lease_id ORDER BY 1',
      ),
    ]

    await append(1, 1_500)
    await book('a', 1, 70)
    await book('b', 1, 63)
    await apply(shipped)
    const first = [
      [
        { agent_id: 'a', n: 512, last: 1_024 },
        { agent_id: 'b', n: 512, last: 1_023 },
      ],
      [
        { lease_id: 'a-lease-0', n: 32, last: 64 },
        { lease_id: 'a-lease-1', n: 31, last: 63 },
      ],
    ]
    expect(await entries()).toEqual(first)

    await append(1_501, 2_047)
    await book('a', 71, 127)
    expect(await entries()).toEqual(first)
    // One statement beyond two multiples.
    await append(2_048, 3_100)
    await book('a', 128, 129)
    await book('b', 64, 64)
    expect(await entries()).toEqual([
      [
        { agent_id: 'a', n: 1_536, last: 3_072 },
        { agent_id: 'b', n: 1_536, last: 3_071 },
      ],
      [
        { lease_id: 'a-lease-0', n: 64, last: 128 },
        { lease_id: 'a-lease-1', n: 63, last: 127 },
        { lease_id: 'b-lease-0', n: 32, last: 64 },
        { lease_id: 'b-lease-1', n: 31, last: 63 },
      ],
    ])
  })

  if (dialect === 'postgres') {
    test('a look at every row takes the time that it needs', async () => {
      await using t = await createTestDb({ dialect })
      const columns = 'seq, id, at, type, agent_id, data'
      await t.rows(
        `INSERT INTO events (${columns}) SELECT n, 'evt', 1, 'agent.started', 'a', '{}' FROM generate_series(1, 60000) n`,
      )
      const verified = t.db.read(async (tx) => {
        await tx.execute({ sql: "SELECT set_config('statement_timeout', '25', true)", parameters: [] })
        return verifyKeptSums(t.db, { tx })
      })
      expect(await verified).toEqual([])
    })
  }
})

/** What does the main job cost over HTTP: a report, a hundred of them in one call, a lease and its return. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { BATCH, batches, pairs, REPORT, reports, REPORTS_OF_BATCH, RETURN } from '../http/scripts.ts'
import {
  type Subject,
  withBareExpress,
  withDatabase,
  withFolder,
  withIron,
  withTypicalExpress,
} from '../http/subject.ts'
import { load, type Script } from '../load.ts'
import { assert } from '../micro.ts'
import type { Figure, Figures, Question, Target } from '../question.ts'

const CONNECTIONS = 50
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 3)
/** Before anything counts: of a server of some thousand functions V8 goes on compiling the busiest for that long, beside the load. */
const WARM_UP_SECONDS = 10
const BARE = 'bare Express 5'

const rate = (title: string, ...targets: Target[]): Figure => ({ title, unit: '/s', better: 'more', targets })
const latency = (title: string, ...targets: Target[]): Figure => ({ title, unit: 'ms', better: 'less', targets })

/** So many keep-alive connections, one request in flight on each. Every answer must be 200. */
async function loaded(
  { address, runtimes }: Subject,
  scripts: (runtimes: Subject['runtimes']) => () => Script,
  measured: string,
): Promise<{ perSecond: number; p99: number }> {
  const options = { connections: CONNECTIONS, measured, script: scripts(runtimes) }
  await load(address, { ...options, seconds: WARM_UP_SECONDS })
  const { perSecond, p99Ms, failures } = await load(address, { ...options, seconds: SECONDS })
  assert.equal(failures, 0, 'requests failed')
  return { perSecond, p99: p99Ms }
}

const reporting = (subject: Subject): Promise<Figures> => loaded(subject, reports, REPORT)
const pairing = (subject: Subject): Promise<Figures> => loaded(subject, pairs, RETURN)

async function batching(subject: Subject): Promise<Figures> {
  const { perSecond } = await loaded(subject, batches, BATCH)
  return { perSecond: perSecond * REPORTS_OF_BATCH }
}

/** Rows like those of a report, of which each batch is one durable transaction: lease, budget, ledger, call, key. */
async function rawRows(): Promise<Figures> {
  const { default: Database } = await import('better-sqlite3')
  return withFolder(async (folder) => {
    const db = new Database(path.join(folder, 'raw.db'))
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.exec(`
      CREATE TABLE leases (id TEXT PRIMARY KEY, spent INTEGER NOT NULL, calls INTEGER NOT NULL) STRICT;
      CREATE TABLE budgets (agent_id TEXT PRIMARY KEY, spent INTEGER NOT NULL, reserved INTEGER NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
      CREATE TABLE ledger (agent_id TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, amount INTEGER NOT NULL,
        lease_id TEXT NOT NULL, request_id TEXT NOT NULL, spent INTEGER NOT NULL, reserved INTEGER NOT NULL, at INTEGER NOT NULL,
        hash TEXT NOT NULL, PRIMARY KEY (agent_id, seq)) STRICT, WITHOUT ROWID;
      CREATE TABLE calls (id INTEGER PRIMARY KEY, agent_id TEXT NOT NULL, lease_id TEXT NOT NULL, request_id TEXT NOT NULL,
        model TEXT NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL, cost INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
      CREATE INDEX calls_by_agent ON calls (agent_id, at);
      CREATE TABLE keys (agent_id TEXT NOT NULL, request_id TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (agent_id, request_id)) STRICT, WITHOUT ROWID;
    `)
    const key = db.prepare('INSERT INTO keys VALUES (?, ?, ?)')
    const lease = db.prepare('UPDATE leases SET spent = spent + ?, calls = calls + 1 WHERE id = ?')
    const budget = db.prepare(
      'UPDATE budgets SET spent = spent + ?, reserved = reserved - ?, seq = ?, hash = ? WHERE agent_id = ?',
    )
    const ledger = db.prepare("INSERT INTO ledger VALUES (?, ?, 'spend', 123, ?, ?, ?, ?, ?, ?)")
    const call = db.prepare(
      "INSERT INTO calls (agent_id, lease_id, request_id, model, input, output, cost, at) VALUES (?, ?, ?, 'gpt-4o', 1200, 310, 123, ?)",
    )
    const agents = Array.from(
      { length: CONNECTIONS },
      (_, index) => `agent_01900000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    )
    for (const agent of agents) {
      db.prepare('INSERT INTO leases VALUES (?, 0, 0)').run(agent)
      db.prepare("INSERT INTO budgets VALUES (?, 0, 0, 0, '')").run(agent)
    }
    const hash = 'f'.repeat(64)
    let seq = 0
    const batch = db.transaction((agent: string) => {
      for (let index = 0; index < REPORTS_OF_BATCH; index += 1) {
        seq += 1
        const request = `call-${seq}`
        const now = Date.now()
        key.run(agent, request, hash)
        lease.run(123, agent)
        budget.run(123, 123, seq, hash, agent)
        ledger.run(agent, seq, agent, request, seq * 123, seq * 123, now, hash)
        call.run(agent, agent, request, now)
      }
    })
    const run = (seconds: number): number => {
      const began = performance.now()
      const until = began + seconds * 1_000
      const from = seq
      for (let index = 0; performance.now() < until; index += 1) batch.immediate(agents[index % agents.length] ?? '')
      return ((seq - from) / (performance.now() - began)) * 1_000
    }
    run(WARM_UP_SECONDS)
    const perSecond = run(SECONDS)
    assert.equal(db.prepare('SELECT count(*) AS rows FROM ledger').pluck().get(), seq)
    db.close()
    return { perSecond }
  })
}

/** The statements of a report, one transaction each, from as many connections: what PostgreSQL itself makes of them. */
async function pgbench(): Promise<Figures> {
  return withDatabase('postgres', async (url) =>
    withFolder(async (folder) => {
      const { default: pg } = await import('pg')
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`
        CREATE TABLE leases (id integer PRIMARY KEY, spent bigint NOT NULL, calls bigint NOT NULL);
        CREATE TABLE budgets (agent_id integer PRIMARY KEY, spent bigint NOT NULL, reserved bigint NOT NULL, seq bigint NOT NULL, hash text NOT NULL);
        CREATE TABLE ledger (agent_id integer NOT NULL, seq bigint NOT NULL, type text NOT NULL, amount bigint NOT NULL,
          lease_id integer NOT NULL, request_id text NOT NULL, spent bigint NOT NULL, reserved bigint NOT NULL, at bigint NOT NULL, hash text NOT NULL,
          PRIMARY KEY (agent_id, seq));
        CREATE TABLE calls (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent_id integer NOT NULL, lease_id integer NOT NULL,
          request_id text NOT NULL, model text NOT NULL, input integer NOT NULL, output integer NOT NULL, cost bigint NOT NULL, at bigint NOT NULL);
        CREATE INDEX calls_by_agent ON calls (agent_id, at);
        CREATE TABLE keys (agent_id integer NOT NULL, request_id text NOT NULL, digest text NOT NULL, PRIMARY KEY (agent_id, request_id));
        INSERT INTO leases SELECT n, 0, 0 FROM generate_series(0, ${CONNECTIONS - 1}) n;
        INSERT INTO budgets SELECT n, 0, 0, 0, '' FROM generate_series(0, ${CONNECTIONS - 1}) n;
      `)
      await client.end()
      const script = path.join(folder, 'report.sql')
      writeFileSync(
        script,
        `\\set request random(1, 9000000000000000)
BEGIN;
INSERT INTO keys VALUES (:client_id, :request, 'digest') ON CONFLICT DO NOTHING;
UPDATE leases SET spent = spent + 123, calls = calls + 1 WHERE id = :client_id;
UPDATE budgets SET spent = spent + 123, reserved = reserved - 123, seq = seq + 1, hash = repeat('f', 64) WHERE agent_id = :client_id RETURNING seq, spent, reserved \\gset
INSERT INTO ledger VALUES (:client_id, :seq, 'spend', 123, :client_id, :request, :spent, :reserved, 1767225600000, repeat('f', 64));
INSERT INTO calls (agent_id, lease_id, request_id, model, input, output, cost, at) VALUES (:client_id, :client_id, :request, 'gpt-4o', 1200, 310, 123, 1767225600000);
COMMIT;
`,
      )
      const flags = ['-n', '-M', 'prepared', '-c', String(CONNECTIONS), '-j', '1', '-f', script]
      const run = (seconds: number) => promisify(execFile)('pgbench', [...flags, '-T', String(seconds), url])
      await run(WARM_UP_SECONDS)
      const { stdout, stderr } = await run(SECONDS)
      const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1]
      assert(tps !== undefined, stdout + stderr)
      return { perSecond: Number(tps) }
    }),
  )
}

export const questions: Readonly<Record<string, Question>> = {
  report: {
    figures: {
      perSecond: rate(
        'report, SQLite FULL',
        { against: 'typical Express stack', times: 1.5 },
        { against: BARE, times: 0.5 },
      ),
      p99: latency('report, SQLite FULL, p99', { bound: 25 }),
    },
    contestants: [
      { role: 'ours', name: 'iron', measure: () => withIron('sqlite', CONNECTIONS, reporting) },
      { role: 'rival', name: 'typical Express stack', measure: () => withTypicalExpress(CONNECTIONS, reporting) },
      { role: 'limit', name: BARE, measure: () => withBareExpress(reporting) },
    ],
  },
  'report-batch': {
    figures: { perSecond: rate('reports in batches of 100, SQLite FULL', { against: 'better-sqlite3', times: 0.5 }) },
    contestants: [
      { role: 'ours', name: 'iron', measure: () => withIron('sqlite', CONNECTIONS, batching) },
      { role: 'limit', name: 'better-sqlite3', measure: rawRows },
    ],
  },
  'grant-and-return': {
    figures: {
      perSecond: rate('handshake and return, SQLite FULL', { against: BARE, times: 0.25 }),
      p99: latency('return, p99'),
    },
    contestants: [
      { role: 'ours', name: 'iron', measure: () => withIron('sqlite', CONNECTIONS, pairing) },
      { role: 'limit', name: BARE, measure: () => withBareExpress(pairing) },
    ],
  },
  'report-postgres': {
    figures: {
      perSecond: rate('report, PostgreSQL', { against: 'pgbench', times: 0.6 }, { against: BARE, times: 0.5 }),
      p99: latency('report, PostgreSQL, p99'),
    },
    contestants: [
      { role: 'ours', name: 'iron', measure: () => withIron('postgres', CONNECTIONS, reporting) },
      { role: 'limit', name: 'pgbench', measure: pgbench },
      { role: 'limit', name: BARE, measure: () => withBareExpress(reporting) },
    ],
  },
}

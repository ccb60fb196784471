// `pnpm --filter @iron/cluster freeze [folder of apps/control-api]`: writes what an installation of a version leaves behind into
// migrations/frozen, as SQL for both engines: a row in every table that is not written late, sound chains. Run once for each released
// schema version, with that version's folder; the tests upgrade every one of them.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { postgresForTests, startProcess } from '@iron/test-kit'
import { Client } from './client.ts'
import { createAgent, logIn } from './population.ts'
import { createDatabase, installationSettings, RATE_LIMITS_OFF, rowsOf } from './installation.ts'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.resolve(here, '..', '..', '..')
const app = path.resolve(process.argv[2] ?? path.join(root, 'apps', 'control-api'))

/** PostgreSQL's own, of the server's version or a newer one. */
const DUMP = 'pg_dump'
/** Tables that stay empty in a short life: they are filled for 1,024 events or audit entries and for 64 rows of a ledger at once. */
const WRITTEN_LATE = new Set(['actor_entries', 'agent_events', 'lease_entries'])
/** Days by which calls are aged, so that hours are rolled up and the oldest calls pruned. */
const AGED_DAYS = 100

/** With the packages of the version: its services see a clock that is ahead. */
const AGE = `
  import { openDatabase } from '@iron/database'
  import { RequestLog } from '@iron/journal'
  const clock = { now: () => Date.now() + ${AGED_DAYS} * 86_400_000 }
  const db = await openDatabase(process.env.DATABASE_URL, { migrations: 'verify', clock })
  const log = new RequestLog(db, { clock })
  while ((await log.rollUp()) > 0);
  await log.prune({ olderThan: clock.now() - 90 * 86_400_000, limit: 1 })
  await db.close()`

async function live(databaseUrl: string): Promise<void> {
  const env = { ...installationSettings(databaseUrl, RATE_LIMITS_OFF), IRON_AUTO_MIGRATE: 'true', NODE_OPTIONS: '' }
  const sources = ['--conditions=@iron/source']
  await using server = await startProcess(process.execPath, [...sources, path.join(app, 'src', 'main.ts'), 'serve'], {
    env,
    cwd: app,
    ready: /listening on (http:\/\/\S+)/,
    timeoutMs: 60_000,
  })
  using client = new Client(server.ready[1] as string)
  const admin = await logIn(client)
  await client.call('POST', '/auth/login', { email: 'somebody@cluster.test', password: 'a wrong password' })
  const { id: adminId } = await client.must('GET', '/auth/me', undefined, admin)
  await client.must('POST', '/limits', { user_id: adminId, max_tokens_per_day: 1_000_000 }, admin)
  const { token } = await client.must('POST', '/tokens', { name: 'frozen' }, admin)
  const told = { request_id: 'told', model: 'gpt-4o', input_tokens: 10, output_tokens: 5 }
  await client.must('POST', '/usage', told, { 'X-API-Token': String(token) })
  const catalogue = { name: 'openai', kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] }
  const { id: providerId } = await client.must('POST', '/providers', catalogue, admin)
  await client.must('POST', `/providers/${String(providerId)}/keys`, { api_key: 'sk-frozen-0123456789' }, admin)
  const { id: agentId, runtime } = await createAgent(client, admin, String(providerId), 100)
  const named = { name: 'second', tags: ['frozen'], provider_ids: [providerId], allocated_usd: 1 }
  await client.must('POST', '/agents', named, { ...admin, 'Idempotency-Key': 'frozen' })
  const { lease_id: leaseId } = await client.must('POST', '/budget/handshake', { requested_usd: 5 }, runtime)
  for (const [requestId, cost] of [
    ['call-1', 2],
    ['call-2', 4.5],
  ] as const) {
    const report = { lease_id: leaseId, request_id: requestId, model: 'gpt-4o', cost_usd: cost, latency_ms: 120 }
    await client.must('POST', '/budget/report', report, runtime)
  }
  await client.must('POST', '/budget/return', { lease_id: leaseId }, runtime)
  await client.must('POST', '/budget/handshake', { requested_usd: 5 }, runtime)
  const timestamp = new Date().toISOString()
  const event = {
    event_id: 'event-1',
    type: 'request.completed',
    request_id: 'call-3',
    model: 'gpt-4o',
    cost_usd: 1,
    timestamp,
  }
  await client.must('POST', '/analytics/events', { events: [event] }, runtime)
  const span = {
    trace_id: `trace_${randomUUID()}`,
    span_id: 'span-1',
    name: 'call',
    started_at: timestamp,
    duration_ms: 1,
    status: 'ok',
  }
  await client.must('POST', '/traces', { spans: [span] }, runtime)
  const wish = { agent_id: agentId, requested_allocated_usd: 200, justification: 'more is to be done in March' }
  await client.must('POST', '/budget-requests', wish, admin)
  await server.stop()
  execFileSync(process.execPath, [...sources, '--input-type=module', '--eval', AGE], {
    cwd: app,
    env: { ...process.env, ...env },
  })
}

/** Objects in the order in which they can be made: triggers would judge the rows. */
function sqliteText(file: string): string {
  using db = new DatabaseSync(file)
  const objects = db.prepare(
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
  )
  const made = objects.all() as { readonly type: string; readonly name: string; readonly sql: string }[]
  const ofType = (type: string): string[] => made.filter((each) => each.type === type).map(({ sql }) => `${sql};`)
  const rows = made.filter(({ type }) => type === 'table').flatMap(({ name }) => insertsOf(db, name))
  const text = [...ofType('table'), ...rows, ...ofType('index'), ...ofType('view'), ...ofType('trigger')]
  return `PRAGMA foreign_keys = OFF;\nBEGIN;\n${text.join('\n')}\nCOMMIT;\n`
}

function insertsOf(db: DatabaseSync, table: string): string[] {
  const rows = db.prepare(`SELECT * FROM ${table}`).all() as Record<string, string | number | bigint | null>[]
  if (rows.length === 0 && !WRITTEN_LATE.has(table)) throw new Error(`${table} has no row`)
  const literal = (value: string | number | bigint | null): string =>
    typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : value === null ? 'NULL' : String(value)
  return rows.map((row) => `INSERT INTO ${table} VALUES (${Object.values(row).map(literal).join(', ')});`)
}

async function postgresText(url: string): Promise<string> {
  const tables = await rowsOf<{ name: string }>(
    url,
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
  )
  for (const { name } of tables.filter((table) => !WRITTEN_LATE.has(table.name))) {
    if ((await rowsOf(url, `SELECT 1 FROM ${name} LIMIT 1`)).length === 0) throw new Error(`${name} has no row`)
  }
  const text = execFileSync(DUMP, ['--inserts', '--no-owner', '--no-privileges', '--dbname', url], {
    encoding: 'utf8',
  })
  // What only psql understands, and remarks with the versions of servers and tools.
  return text
    .split('\n')
    .filter(
      (line) =>
        line !== '' && !line.startsWith('\\') && !line.startsWith('--') && !line.startsWith('SET transaction_timeout'),
    )
    .join('\n')
    .concat('\n')
}

const folder = mkdtempSync(path.join(tmpdir(), 'iron-freeze-'))
try {
  const file = path.join(folder, 'frozen.db')
  await live(file)
  const version = new DatabaseSync(file).prepare('SELECT max(number) AS number FROM schema_migrations').get()?.[
    'number'
  ]
  const place = (engine: string): string =>
    path.join(root, 'migrations', 'frozen', `${String(version).padStart(4, '0')}.${engine}.sql`)
  writeFileSync(place('sqlite'), sqliteText(file))
  const service = await postgresForTests()
  if (service === undefined) throw new Error('there is no PostgreSQL')
  await using database = await createDatabase(service.url)
  await live(database.url)
  writeFileSync(place('postgres'), await postgresText(database.url))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

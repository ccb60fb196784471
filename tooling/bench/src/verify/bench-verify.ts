// `pnpm bench verify [rows]`: how fast every ledger is recomputed and its chain walked, on SQLite and on a PostgreSQL that is a copy of
// it; and how fast such a database is backed up and copied. Without a number, of 1,000,000 ledger rows; 10000000 is the promise.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { copyDatabase, type IronDatabase, openDatabase } from '@iron/database'
import { Ledger } from '@iron/lease-manager'
import { postgresForTests } from '@iron/test-kit'
import { createDatabase } from '../postgres.ts'
import { fillLedger } from './fill-ledger.ts'

const WANTED = Number(process.argv[3] ?? 1_000_000)
/** Rows a second that make 10 million in a minute. */
const RATE_MIN = 10_000_000 / 60

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function timed<T>(what: string, rows: number, work: () => Promise<T>): Promise<T> {
  const beganMs = performance.now()
  const before = process.cpuUsage()
  const value = await work()
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - beganMs) / 1_000
  const rate = Math.round(rows / seconds)
  const memoryMib = Math.round(process.memoryUsage().rss / 1_048_576)
  say(
    `${what.padEnd(24)} ${seconds.toFixed(1).padStart(8)} s ${rate.toLocaleString('en-US').padStart(12)} rows/s  ${((user + system) / 1e6).toFixed(1)} s of a core, ${String(memoryMib)} MiB`,
  )
  return value
}

async function verify(db: IronDatabase, rows: number): Promise<void> {
  const beganMs = performance.now()
  const faults = await timed(`verify on ${db.dialect}`, rows, () => new Ledger(db).verify({ readOnly: true }))
  if (faults.length > 0) throw new Error(`the ledgers do not verify: ${JSON.stringify(faults.slice(0, 3))}`)
  const rate = rows / ((performance.now() - beganMs) / 1_000)
  if (rate < RATE_MIN) say(`  <<< less than 10 million rows a minute`)
}

const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-'))
try {
  await using sqlite = await openDatabase(path.join(folder, 'ledger.db'))
  const rows = await timed('fill', WANTED, () => fillLedger(sqlite, WANTED))
  say(`${rows.toLocaleString('en-US')} ledger rows, and as many rows beside them`)
  await verify(sqlite, rows)
  await timed('backup of sqlite', rows, () => sqlite.backup(path.join(folder, 'backup.db')))
  const service = await postgresForTests()
  if (service === undefined) say('no PostgreSQL: not measured')
  else {
    const { url, drop } = await createDatabase(service.url)
    try {
      await using postgres = await openDatabase(url)
      await timed('copy to postgres', rows, () => copyDatabase(sqlite, postgres))
      await verify(postgres, rows)
    } finally {
      await drop()
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// `pnpm bench verify [rows]`: how fast `iron verify` recomputes every ledger and walks its chain, on SQLite and on a PostgreSQL that is a
// copy of it; and how fast such a database is backed up and copied. Without a number, of 1,000,000 ledger rows; 10000000 is the promise.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { copyDatabase, openDatabase } from '@iron/database'
import { postgresForTests, startProcess } from '@iron/test-kit'
import { createDatabase } from '../postgres.ts'
import { serverMain } from '../server.ts'
import { fillLedger } from './fill-ledger.ts'

const WANTED = Number(process.argv[3] ?? 1_000_000)
/** Rows a second that make 10 million in a minute. */
const RATE_MIN = 10_000_000 / 60
/** How often the memory of the command is looked at, in milliseconds. */
const LOOK_EVERY_MS = 100

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

/** The whole command, from its start to its end. */
async function verify(engine: string, url: string, rows: number): Promise<void> {
  const beganMs = performance.now()
  await using command = await startProcess(process.execPath, [serverMain, 'verify'], { env: { DATABASE_URL: url } })
  let highestKib = 0
  const look = setInterval(() => (highestKib = Math.max(highestKib, residentKib(command.pid))), LOOK_EVERY_MS)
  const { code } = await command.exited
  clearInterval(look)
  if (code !== 0) throw new Error(`iron verify: ${command.stdout}${command.stderr}`)
  const seconds = (performance.now() - beganMs) / 1_000
  const rate = rows / seconds
  say(
    `${`iron verify on ${engine}`.padEnd(24)} ${seconds.toFixed(1).padStart(8)} s ${Math.round(rate).toLocaleString('en-US').padStart(12)} rows/s  ${Math.round(highestKib / 1_024)} MiB at most`,
  )
  if (rate < RATE_MIN) say(`  <<< less than 10 million rows a minute`)
}

/** 0 for a process that has ended. */
function residentKib(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-'))
try {
  await using sqlite = await openDatabase(path.join(folder, 'ledger.db'))
  const rows = await timed('fill', WANTED, () => fillLedger(sqlite, WANTED))
  say(`${rows.toLocaleString('en-US')} ledger rows, and as many rows beside them`)
  await verify('sqlite', path.join(folder, 'ledger.db'), rows)
  await timed('backup of sqlite', rows, () => sqlite.backup(path.join(folder, 'backup.db')))
  const service = await postgresForTests()
  if (service === undefined) say('no PostgreSQL: not measured')
  else {
    const { url, drop } = await createDatabase(service.url)
    try {
      await using postgres = await openDatabase(url)
      await timed('copy to postgres', rows, () => copyDatabase(sqlite, postgres))
      await verify('postgres', url, rows)
    } finally {
      await drop()
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// `pnpm bench growth [rows]`: whether a report costs more where the ledger is long, and a lease with its return where there are many
// agents, half of which belong to the owner who is lent money, whose limit counts what they all hold. Without a number, a ledger of
// 1,000,000 rows is the longest; 10000000 is the promise.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { type IronDatabase, openDatabase } from '@iron/database'
import { processorSeconds } from '@iron/test-kit'
import { pairs, REPORT, reports, RETURN } from '../http/scripts.ts'
import { provision, type Runtime, withFolder } from '../http/subject.ts'
import { fillWorld, MAIN_USER } from '../lists/fill-world.ts'
import { load, type Script } from '../load.ts'
import { ADMIN, secrets, serverMain, startServer } from '../server.ts'
import { fillLedger } from '../verify/fill-ledger.ts'
import { withoutTriggers } from '../without-triggers.ts'

const ROWS = Number(process.argv[3] ?? 1_000_000)
const AGENTS = [100, 100_000]
const CONNECTIONS = 50
/** Longer than the bench takes, in milliseconds; above an hour and five minutes a server cuts it. */
const LEASE_MS = 3_600_000
const ROUNDS = Number(process.env['IRON_TEST_BENCH_ROUNDS'] ?? 5)
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 3)
const NEVER_REACHED_MICROS = 1_000_000_000_000_000
/** How long half of all agents may take to get their owner, in milliseconds. */
const ENDOW_TIMEOUT_MS = 120_000
/** How much more a call may cost in the largest world than in the smallest. */
const GROWTH_MAX = 1.25

const keptIn = process.env['IRON_TEST_BENCH_FOLDER']

const say = (text: string): void => void process.stdout.write(`${text}\n`)

interface World {
  readonly name: string
  readonly address: string
  readonly pid: number
  readonly runtimes: readonly Runtime[]
}

interface Load {
  readonly measured: string
  readonly scripts: (runtimes: readonly Runtime[]) => () => Script
}

async function microsecondsOfCall(world: World, { measured, scripts }: Load, seconds: number): Promise<number> {
  const before = processorSeconds(world.pid)
  const script = scripts(world.runtimes)
  const { calls, failures } = await load(world.address, { connections: CONNECTIONS, seconds, measured, script })
  if (failures > 0) throw new Error(`${failures} calls failed in ${world.name}`)
  return ((processorSeconds(world.pid) - before) / calls) * 1e6
}

/** Worlds are asked in turn, each with a server of its own; what counts is the server's processor time a call. */
async function compare(what: string, worlds: readonly World[], asked: Load): Promise<void> {
  for (const world of worlds) await microsecondsOfCall(world, asked, SECONDS)
  const rounds = worlds.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, world] of worlds.entries()) rounds[index]?.push(await microsecondsOfCall(world, asked, SECONDS))
  }
  const [smallest = Number.NaN, ...larger] = rounds.map(median)
  say(`\n${what}: processor time of the server, median of ${ROUNDS} rounds`)
  say(`  ${worlds[0]?.name.padEnd(28)} ${smallest.toFixed(0).padStart(6)} µs`)
  for (const [index, cost] of larger.entries()) {
    const ratio = cost / smallest
    const mark = ratio > GROWTH_MAX ? `  <<< more than ${GROWTH_MAX}` : ''
    say(
      `  ${worlds[index + 1]?.name.padEnd(28)} ${cost.toFixed(0).padStart(6)} µs  ${ratio.toFixed(2)} of the smallest${mark}`,
    )
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN
}

async function serve(stack: AsyncDisposableStack, name: string, file: string): Promise<World> {
  const { address, process } = await startServer(file)
  stack.defer(async () => {
    await process.stop()
  })
  return { name, address, pid: process.pid, runtimes: await provision(address, CONNECTIONS) }
}

async function growthOfReports(folder: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const worlds: World[] = []
  for (const rows of new Set([0, Math.min(1_000_000, ROWS), ROWS])) {
    const file = path.join(folder, `ledger-${rows}.db`)
    await using db = await openDatabase(file)
    if (rows > 0) await fillLedger(db, rows)
    await db.close()
    worlds.push(await serve(stack, `${rows.toLocaleString('en-US')} ledger rows`, file))
  }
  await compare('a report', worlds, { measured: REPORT, scripts: reports })
}

async function growthOfGrants(folder: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const worlds: World[] = []
  for (const agents of AGENTS) {
    const file = path.join(folder, `agents-${agents}.db`)
    const db = await openDatabase(file)
    await fillWorld(db, agents)
    await makeServable(db)
    await db.close()
    createAdmin(file)
    await endow(file)
    worlds.push(await serve(stack, `${agents.toLocaleString('en-US')} agents`, file))
  }
  await compare('a lease and its return', worlds, { measured: RETURN, scripts: pairs })
}

/** The audit log of the world is no chain, and its leases fit to no ledger: a server begins the one anew and leaves the others alone. */
async function makeServable(db: IronDatabase): Promise<void> {
  const noEntry = `UPDATE log_heads SET head_seq = 0, head_hash = '${'0'.repeat(64)}' WHERE name = 'audit'`
  const notOverdue = `UPDATE leases SET expires_at = ${Date.now() + LEASE_MS} WHERE status = 'active'`
  await withoutTriggers(db, (run) => run('DELETE FROM audit_log', noEntry, notOverdue))
}

/** The world has people, so that no first admin is made. */
function createAdmin(file: string): void {
  const args = ['admin', 'create', ADMIN.email, '--username', 'bench-admin', '--password-stdin']
  const env = { ...process.env, ...secrets(), DATABASE_URL: file }
  execFileSync(process.execPath, [serverMain, ...args], { env, input: `${ADMIN.password}\n` })
}

/** Gives the admin, who will own the agents that are asked, half of all others, and a limit that is never reached. */
async function endow(file: string): Promise<void> {
  await using db = await openDatabase(file)
  const admin = `(SELECT id FROM users WHERE email = '${ADMIN.email}' AND deleted_at IS NULL)`
  const limit = 'INSERT INTO limits (id, owner_id, max_cost_per_month_micros, created_at, updated_at)'
  const moved = `UPDATE agent_budgets SET owner_id = ${admin} WHERE owner_id = '${MAIN_USER}'`
  await db.write(
    async (tx) => {
      for (const sql of [moved, `${limit} VALUES ('lim_bench', ${admin}, ${NEVER_REACHED_MICROS}, 1, 1)`]) {
        await tx.execute({ sql, parameters: [] })
      }
    },
    { timeoutMs: ENDOW_TIMEOUT_MS },
  )
}

async function growth(folder: string): Promise<void> {
  await growthOfReports(folder)
  await growthOfGrants(folder)
}

if (keptIn === undefined) await withFolder(growth)
else {
  mkdirSync(keptIn, { recursive: true })
  await growth(keptIn)
}

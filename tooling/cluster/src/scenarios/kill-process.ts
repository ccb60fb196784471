/**
 * One of three processes is killed with -9 under load: what it had lent, who was connected to it and the jobs it ran are taken over
 * by the others (CON-24, EVT-04, MON-20).
 */
import { Client } from '../client.ts'
import { Follower } from '../followers.ts'
import { rowsOf, SETTINGS } from '../installation.ts'
import { createAgent, createPopulation } from '../population.ts'
import { Reporters } from '../reporters.ts'
import { hold, type Play, type Setting, sleep, type Stage, until } from '../scenario.ts'
import { requireSound } from '../sound.ts'

const SIZES = { short: { agents: 12, sockets: 12, phaseMs: 800 }, full: { agents: 60, sockets: 90, phaseMs: 10_000 } }
/** An abandoned lease ends at the next sweep of a process that lives, in milliseconds. */
const SWEPT_WITHIN_MS = 5_000
const CAUGHT_UP_WITHIN_MS = 10_000

export const killProcess: Play = {
  env: () => ({ IRON_SWEEP_SECONDS: '1', IRON_LEASE_GRACE_SECONDS: '0' }),
  perform,
}

async function perform({ cluster }: Stage, { size, say }: Setting): Promise<void> {
  const { agents, sockets, phaseMs } = SIZES[size]
  using stack = new DisposableStack()
  say(`kill-process: ${agents} runtimes and ${sockets} sockets on 3 processes, one is killed; ${SETTINGS}`)
  const client = stack.use(new Client(cluster.address, agents))
  const { admin, providerId, agents: population } = await createPopulation(client, agents, 1_000)
  const head = Number((await client.must('GET', '/events?after=latest', undefined, admin))['next_cursor'])
  const followers = Array.from({ length: sockets }, () => stack.use(new Follower(cluster.address, admin, head)))
  const [victim] = cluster.servers
  if (victim === undefined) throw new Error('three were started')

  // A lease that the victim grants, to a runtime that then dies as well.
  const direct = stack.use(new Client(victim.address))
  const orphan = await createAgent(direct, admin, providerId, 100)
  const abandoned = await direct.must('POST', '/budget/handshake', { requested_usd: 100 }, orphan.runtime)
  const reporters = await Reporters.start(client, population)
  await sleep(phaseMs)
  await cluster.end(victim, 'SIGKILL')
  const began = performance.now()
  const acknowledged = reporters.acknowledged
  await until('reports go on', CAUGHT_UP_WITHIN_MS, () => reporters.acknowledged > acknowledged)
  const resumedMs = performance.now() - began

  // Its hour is over, as if the clock had run: whoever lives ends it.
  await rowsOf(cluster.databaseUrl, 'UPDATE leases SET expires_at = created_at WHERE agent_id = $1', [orphan.id])
  const sweptMs = await until('the lease of the victim ends', SWEPT_WITHIN_MS, async () => {
    const sql = 'SELECT status FROM leases WHERE agent_id = $1'
    const [lease] = await rowsOf<{ status: string }>(cluster.databaseUrl, sql, [orphan.id])
    return lease?.status === 'closed'
  })
  await sleep(phaseMs)
  const started = performance.now()
  await cluster.start()
  const replacedMs = performance.now() - started
  await sleep(phaseMs)
  await reporters.stop()

  const { tally } = reporters
  hold(tally.hangs === 0, `${tally.hangs} requests were never answered`)
  const others = tally.others('200', 'connection broke')
  hold(others.length === 0, `clients saw ${others.join(', ')}`)
  await reporters.requireLedger(cluster.databaseUrl)
  const log = await rowsOf<{ seq: string }>(cluster.databaseUrl, 'SELECT seq FROM events WHERE seq > $1 ORDER BY seq', [
    head,
  ])
  await until('every socket has the whole log', CAUGHT_UP_WITHIN_MS, () =>
    followers.every(({ seen }) => seen.length >= log.length),
  )
  const expected = log.map(({ seq }) => seq).join()
  const wrong = followers.filter(({ seen }) => seen.slice(0, log.length).join() !== expected)
  hold(wrong.length === 0, `${wrong.length} sockets saw a gap, a repeat or another order`)
  const lapsed = await rowsOf(
    cluster.databaseUrl,
    `SELECT seq FROM audit_log WHERE operation = 'LEASE_EXPIRED' AND resource_id = $1`,
    [abandoned['lease_id']],
  )
  hold(lapsed.length === 1, `the lease of the victim was ended ${lapsed.length} times`)
  await requireSound(cluster)
  const reconnects = followers.reduce((sum, follower) => sum + follower.reconnects, 0)
  say(`  reports went on ${Math.round(resumedMs)} ms after the kill; ${String(tally)}`)
  say(`  the victim's abandoned lease was ended once, ${Math.round(sweptMs)} ms after its time`)
  say(`  ${reconnects} sockets came back elsewhere; all ${sockets} saw the same ${log.length} events in order`)
  say(`  a new process served ${Math.round(replacedMs)} ms after it was started; iron verify finds nothing`)
}

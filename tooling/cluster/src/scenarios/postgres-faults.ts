/**
 * PostgreSQL is restarted, crashed and paused under load (OPS-02): nothing acknowledged is lost or doubled, every request is answered
 * in time, refusals say when to come again, and the processes go on by themselves.
 */
import type { PrivateService } from '@iron/test-kit'
import { Client } from '../client.ts'
import { SETTINGS } from '../installation.ts'
import { createPopulation } from '../population.ts'
import { Reporters } from '../reporters.ts'
import { hold, type Play, type Setting, sleep, type Stage } from '../scenario.ts'
import { requireSound } from '../sound.ts'

const SIZES = {
  short: { agents: 12, betweenMs: 700, pauseMs: 1_500 },
  full: { agents: 50, betweenMs: 10_000, pauseMs: 5_000 },
}
/** The server's longest wait: 10 s for a connection and 10 s to the commit, and a second for its answer. */
const ANSWERED_WITHIN_MS = 21_000
/** From the end of a fault to the next acknowledged report, in milliseconds. */
const RECOVERED_WITHIN_MS = 10_000

export const postgresFaults: Play = { env: () => ({}), perform }

async function perform({ cluster, postgres }: Stage, { size, say }: Setting): Promise<void> {
  const { agents, betweenMs, pauseMs } = SIZES[size]
  using client = new Client(cluster.address, agents)
  const population = await createPopulation(client, agents, 1_000)
  say(`postgres-faults: ${agents} runtimes report through 3 processes; ${SETTINGS}`)
  const reporters = await Reporters.start(client, population.agents)
  const pids = cluster.servers.map(({ process }) => process.pid)

  const faults: readonly (readonly [string, () => Promise<void>])[] = [
    ['restart, fast', () => restart(postgres, 'SIGINT')],
    ['restart, immediate', () => restart(postgres, 'SIGQUIT')],
    ['kill -9', () => restart(postgres, 'SIGKILL')],
    [`pause of ${pauseMs} ms`, () => pause(postgres, pauseMs)],
    ...(size === 'full' ? [['pause of 15000 ms', () => pause(postgres, 15_000)] as const] : []),
  ]
  for (const [name, inflict] of faults) {
    await sleep(betweenMs)
    const refusedBefore = reporters.tally.count(REFUSED)
    await inflict()
    const acknowledged = reporters.acknowledged
    const began = performance.now()
    while (reporters.acknowledged === acknowledged && performance.now() - began < RECOVERED_WITHIN_MS) await sleep(10)
    const recoveredMs = performance.now() - began
    hold(reporters.acknowledged > acknowledged, `${name}: no report was acknowledged within ${RECOVERED_WITHIN_MS} ms`)
    const refused = reporters.tally.count(REFUSED) - refusedBefore
    say(`  ${name.padEnd(20)} refused with 503: ${refused}; reports again ${Math.round(recoveredMs)} ms after its end`)
  }
  await sleep(betweenMs)
  await reporters.stop()

  const { tally } = reporters
  hold(tally.hangs === 0, `${tally.hangs} requests were never answered`)
  hold(tally.unhelpful === 0, `${tally.unhelpful} answers of 503 do not say when to come again`)
  const others = tally.others('200', REFUSED)
  hold(others.length === 0, `clients saw ${others.join(', ')}`)
  hold(tally.slowestMs < ANSWERED_WITHIN_MS, `an answer took ${Math.round(tally.slowestMs)} ms`)
  for (const server of cluster.servers) hold(pids.includes(server.process.pid), 'a process was replaced')
  await reporters.requireLedger(cluster.databaseUrl)
  await requireSound(cluster)
  say(`  ${String(tally)}`)
  say(`  ${reporters.acknowledged} acknowledged reports, each in the ledger exactly once; iron verify finds nothing`)
}

const REFUSED = '503 SERVICE_UNAVAILABLE'

async function restart(postgres: PrivateService, signal: NodeJS.Signals): Promise<void> {
  await postgres.stop(signal)
  await postgres.restart()
}

async function pause(postgres: PrivateService, ms: number): Promise<void> {
  postgres.pause()
  await sleep(ms)
  postgres.resume()
}

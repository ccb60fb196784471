/**
 * Redis is killed, restarted and paused under load: each process counts on its own meanwhile, nobody is refused or kept waiting for that
 * reason, and the limits are shared again afterwards (LIM-07, LIM-08).
 */
import { Client } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { SETTINGS } from '../installation.ts'
import { type Agent, createAgent, createPopulation } from '../population.ts'
import { Reporters } from '../reporters.ts'
import { hold, type Play, type Setting, sleep, type Stage, until } from '../scenario.ts'
import { requireSound } from '../sound.ts'

const SIZES = {
  short: { agents: 6, betweenMs: 300, pauseMs: 1_500 },
  full: { agents: 30, betweenMs: 5_000, pauseMs: 5_000 },
}
/** How many heartbeats an agent may send in an hour: the limit that is tried. */
const BEATS = 20
/** How much longer than without a fault an answer may take, in milliseconds: the limiter waits a fraction of that. */
const SLOWEST_MS = 5_000
const TOGETHER_WITHIN_MS = 15_000

export const redisFaults: Play = {
  env: () => ({ IRON_RATE_LIMIT_BEAT: `${BEATS}/3600`, IRON_RATE_LIMIT_REPORT: '1000000/60' }),
  perform,
}

async function perform({ cluster, redis }: Stage, { size, say }: Setting): Promise<void> {
  const { agents, betweenMs, pauseMs } = SIZES[size]
  using stack = new DisposableStack()
  say(`redis-faults: ${agents} runtimes report through 3 processes, every report counted; ${SETTINGS} but those two`)
  const client = stack.use(new Client(cluster.address, agents + 60))
  const { admin, providerId, agents: population } = await createPopulation(client, agents, 1_000)
  const reporters = await Reporters.start(client, population)
  const directs = cluster.servers.map(({ address }) => stack.use(new Client(address, 40)))
  /** How many of three times the limit, a third at each process, are let through for a new agent. */
  const admitted = async (): Promise<number> => {
    const agent = await createAgent(client, admin, providerId, 1)
    return (await Promise.all(directs.map((direct) => beats(direct, agent)))).reduce((sum, count) => sum + count, 0)
  }
  const together = (): Promise<number> =>
    until(
      'limits are shared',
      TOGETHER_WITHIN_MS,
      async () => (await isShared(cluster)) && (await admitted()) === BEATS,
    )

  say(`  together from the start: ${BEATS} of ${3 * BEATS} beats, after ${Math.round(await together())} ms`)
  const faults: readonly (readonly [string, () => Promise<void>, () => Promise<void>])[] = [
    ['kill -9', () => redis.stop('SIGKILL'), () => redis.restart()],
    ['stop', () => redis.stop(), () => redis.restart()],
    ['pause', async () => redis.pause(), async () => redis.resume()],
  ]
  for (const [name, begin, end] of faults) {
    await sleep(betweenMs)
    await begin()
    const from = performance.now()
    const alone = await admitted()
    hold(alone > BEATS && alone <= 3 * BEATS, `${name}: ${alone} beats were let through`)
    await sleep(Math.max(0, pauseMs - (performance.now() - from)))
    await end()
    const sharedAgainMs = await together()
    say(
      `  ${name.padEnd(8)} each on its own: ${alone} of ${3 * BEATS} beats; together again after ${Math.round(sharedAgainMs)} ms`,
    )
  }
  await reporters.stop()
  const { tally } = reporters
  const others = tally.others('200')
  hold(tally.hangs === 0 && others.length === 0, `clients saw ${others.join(', ')}; ${tally.hangs} hung`)
  hold(tally.slowestMs < SLOWEST_MS, `a report took ${Math.round(tally.slowestMs)} ms`)
  await reporters.requireLedger(cluster.databaseUrl)
  await requireSound(cluster)
  say(`  reports meanwhile: ${String(tally)}`)
}

async function beats(client: Client, agent: Agent): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: BEATS }, () => client.call('POST', `/agents/${agent.id}/heartbeat`, {}, agent.runtime)),
  )
  for (const { status, body } of answers) {
    hold(status === 200 || status === 429, `a heartbeat was answered with ${status} ${JSON.stringify(body)}`)
  }
  return answers.filter(({ status }) => status === 200).length
}

/** Whether no process counts on its own. */
async function isShared(cluster: Cluster): Promise<boolean> {
  for (const { address } of cluster.servers) {
    using client = new Client(address)
    const token = String(cluster.env['IRON_METRICS_TOKEN'])
    const { text } = await client.call('GET', '/metrics', undefined, { Authorization: `Bearer ${token}` })
    if (!/^iron_rate_limiter_degraded 0$/m.test(text)) return false
  }
  return true
}

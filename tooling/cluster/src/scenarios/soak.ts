/** Three processes under an even load: their memory must level off (OPS-08). */
import { Client } from '../client.ts'
import { startCluster } from '../cluster.ts'
import { SETTINGS } from '../installation.ts'
import { createPopulation } from '../population.ts'
import { residentMiB } from '@iron/test-kit'
import { Reporters } from '../reporters.ts'
import { hold, ownPostgres, type Scenario, sleep } from '../scenario.ts'
import { requireSound } from '../sound.ts'

const SIZES = { short: { agents: 20, minutes: 0.5 }, full: { agents: 50, minutes: 10 } }
/** Looks at the memory during a soak. */
const LOOKS = 10
/** From the third look on, a process may hold this much more. */
const GROWTH_MAX = 1.3

export const soak: Scenario = async ({ program, size, say }) => {
  const { agents, minutes } = SIZES[size]
  await using stack = new AsyncDisposableStack()
  const postgres = stack.use(await ownPostgres(size))
  const cluster = stack.use(await startCluster({ processes: 3, postgresUrl: postgres.url, program }))
  using client = new Client(cluster.address, agents)
  const population = await createPopulation(client, agents, 1_000)
  say(`soak: ${agents} runtimes on 3 processes for ${minutes} minutes; ${SETTINGS}`)
  const reporters = await Reporters.start(client, population.agents)
  const looks: number[][] = []
  for (let look = 1; look <= LOOKS; look += 1) {
    await sleep((minutes * 60_000) / LOOKS)
    const memory = cluster.servers.map(({ process }) => Math.round(residentMiB(process.pid)))
    looks.push(memory)
    say(`  ${((minutes * look) / LOOKS).toFixed(1)} min: ${memory.join(', ')} MiB; ${reporters.acknowledged} reports`)
  }
  await reporters.stop()
  const [early = [], last = []] = [looks[2], looks.at(-1)]
  last.forEach((mib, index) =>
    hold(mib <= GROWTH_MAX * (early[index] ?? 0), `a process grew from ${early[index]} to ${mib} MiB`),
  )
  await reporters.requireLedger(cluster.databaseUrl)
  await requireSound(cluster)
  say(`  ${String(reporters.tally)}`)
}

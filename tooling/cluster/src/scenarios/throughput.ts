/** How many reports 1, 2 and 3 processes book, what limits them, and what they hold: connections and memory. */
import { availableParallelism } from 'node:os'
import { Client } from '../client.ts'
import { type Cluster, startCluster } from '../cluster.ts'
import { rowsOf, SETTINGS } from '../installation.ts'
import { createPopulation } from '../population.ts'
import { processorSeconds, residentMiB } from '@iron/test-kit'
import { Reporters } from '../reporters.ts'
import { ownPostgres, type Scenario, sleep } from '../scenario.ts'
import { requireSound } from '../sound.ts'

const SIZES = { short: { agents: 20, seconds: 5 }, full: { agents: 100, seconds: 30 } }
const WARM_UP_MS = 3_000

export const throughput: Scenario = async ({ program, size, say }) => {
  const { agents, seconds } = SIZES[size]
  await using stack = new AsyncDisposableStack()
  const postgres = stack.use(await ownPostgres(size))
  say(
    `throughput: ${agents} runtimes, one report in flight each, ${seconds} s; servers, PostgreSQL and clients share ${availableParallelism()} cores; ${SETTINGS}`,
  )
  for (const processes of [1, 2, 3]) {
    await using cluster = await startCluster({ processes, postgresUrl: postgres.url, program })
    using client = new Client(cluster.address, agents)
    const population = await createPopulation(client, agents, 1_000)
    const reporters = await Reporters.start(client, population.agents)
    await sleep(WARM_UP_MS)
    const before = { cost: costOf(cluster, postgres.pid), reports: reporters.acknowledged, at: performance.now() }
    await sleep(seconds * 1_000)
    const took = (performance.now() - before.at) / 1_000
    const reports = reporters.acknowledged - before.reports
    const cost = costOf(cluster, postgres.pid)
    const connections = await connectionsOf(cluster)
    const memory = cluster.servers.map(({ process }) => Math.round(residentMiB(process.pid))).join(' + ')
    await reporters.stop()
    await requireSound(cluster)
    const cores = (name: keyof typeof cost): string => ((cost[name] - before.cost[name]) / took).toFixed(2)
    const perReport = (name: keyof typeof cost): string =>
      (((cost[name] - before.cost[name]) / reports) * 1_000).toFixed(2)
    say(
      `  ${processes} process${processes === 1 ? ' ' : 'es'}: ${Math.round(reports / took)} reports/s; cores used: servers ${cores('servers')}, PostgreSQL ${cores('postgres')}, clients ${cores('clients')}`,
    )
    say(
      `      per report: ${perReport('servers')} ms of a server's core, ${perReport('postgres')} ms of PostgreSQL's; ${connections} connections; ${memory} MiB; ${String(reporters.tally)}`,
    )
  }
}

function costOf(cluster: Cluster, postgresPid: number) {
  const { user, system } = process.cpuUsage()
  return {
    servers: cluster.servers.reduce((sum, server) => sum + processorSeconds(server.process.pid), 0),
    postgres: processorSeconds(postgresPid),
    clients: (user + system) / 1e6,
  }
}

async function connectionsOf({ databaseUrl }: Cluster): Promise<number> {
  const sql = `SELECT COUNT(*) AS connections FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'iron'`
  const [row] = await rowsOf<{ connections: string }>(databaseUrl, sql)
  return Number(row?.connections)
}

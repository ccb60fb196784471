/**
 * A process of each earlier schema version serves while this version brings the schema up to date, goes on serving on it, and is then
 * replaced by a process of this version (data-model 9, DAT-04): nothing acknowledged is lost, nobody sees an error.
 */
import { startBalancer } from '../balancer.ts'
import { Client } from '../client.ts'
import { checkOut, type EarlierVersion, earlierVersions } from '../earlier-versions.ts'
import { createDatabase, installationSettings, RATE_LIMITS_OFF, SETTINGS } from '../installation.ts'
import { createPopulation } from '../population.ts'
import { Reporters } from '../reporters.ts'
import { hold, ownPostgres, type Scenario, type Setting, sleep } from '../scenario.ts'
import { runIron, type Server, startServer } from '../server.ts'
import { requireSound } from '../sound.ts'

const SIZES = { short: { agents: 5, phaseMs: 1_000 }, full: { agents: 50, phaseMs: 5_000 } }

export const upgrade: Scenario = async (setting) => {
  await using postgres = await ownPostgres(setting.size)
  const versions = earlierVersions()
  setting.say(
    `upgrade: ${SIZES[setting.size].agents} runtimes report to a process of each of ${versions.length} earlier schema versions; ${SETTINGS}`,
  )
  hold(versions.length > 0, 'the history holds no earlier version: is this a shallow clone?')
  for (const version of versions) await upgradeFrom(version, postgres.url, setting)
}

async function upgradeFrom(
  version: EarlierVersion,
  postgresUrl: string,
  { program, size, say }: Setting,
): Promise<void> {
  const { agents, phaseMs } = SIZES[size]
  using earlier = checkOut(version)
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createDatabase(postgresUrl))
  const env = installationSettings(database.url, { ...RATE_LIMITS_OFF, IRON_AUTO_MIGRATE: 'true' })
  const withoutMigrating = { ...env, IRON_AUTO_MIGRATE: 'false' }
  const old = stack.use(await startServer({ sourcesOf: earlier.app }, env))
  const serving = new Set<Server>([old])
  const balancer = stack.use(await startBalancer(() => [...serving]))
  const client = stack.use(new Client(balancer.address, agents))
  const population = await createPopulation(client, agents, 1_000)
  const reporters = await Reporters.start(client, population.agents)
  await sleep(phaseMs)

  const began = performance.now()
  const migrated = await runIron(program, ['migrate', 'up'], env)
  const migratedMs = performance.now() - began
  hold(migrated.code === 0, `iron migrate up: ${migrated.output}`)
  const before = reporters.acknowledged
  await sleep(phaseMs)
  const onNewer = reporters.acknowledged - before
  hold(onNewer > 0, 'the earlier process booked nothing on the newer schema')
  const refused = await runIron({ sourcesOf: earlier.app }, ['serve'], withoutMigrating)
  hold(refused.code !== 0 && refused.output.includes('newer'), `an earlier process started: ${refused.output}`)

  serving.add(stack.use(await startServer(program, withoutMigrating)))
  await sleep(phaseMs)
  serving.delete(old)
  await old.process.stop()
  await sleep(phaseMs)
  await reporters.stop()
  const others = reporters.tally.others('200', 'connection broke')
  hold(others.length === 0, `clients saw ${others.join(', ')}`)
  hold(reporters.tally.hangs === 0, `${reporters.tally.hangs} requests were never answered`)
  await reporters.requireLedger(database.url)
  await requireSound({ program, env })
  say(
    `  schema ${version.schema} (${version.commit.slice(0, 7)}): migrated in ${Math.round(migratedMs)} ms, longest pause ${Math.round(reporters.longestGapMs)} ms; ${onNewer} reports by the earlier process on the newer schema; ${String(reporters.tally)}; iron verify finds nothing`,
  )
}

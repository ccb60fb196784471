/**
 * The PostgreSQL and Redis that tests run against (rulings R9): the one named by `IRON_TEST_POSTGRES_URL` or
 * `IRON_TEST_REDIS_URL`, else the one on the default port, else a private one started from installed programs. With
 * `IRON_REQUIRE_SERVICES=1` (CI) a missing one is an error; elsewhere callers skip, loudly.
 */
import { canStartPostgres, privatePostgres } from './postgres.ts'
import { postgresAnswers, redisAnswers } from './probe.ts'
import { canStartRedis, privateRedis } from './redis.ts'
import { canShare, type ServiceName, sharedService } from './shared-service.ts'

export interface TestService {
  /** Tests make databases with random names, or keys with a random prefix, and remove them again. */
  readonly url: string
}

export type Engine = 'sqlite' | 'postgres'

const DEFAULT_POSTGRES_URL = 'postgres://postgres@127.0.0.1:5432/postgres'
const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379/15'

const found = new Map<ServiceName, Promise<TestService | undefined>>()

/** @throws Error when there is none and `IRON_REQUIRE_SERVICES=1`, or the one named by the environment does not answer */
export function postgresForTests(): Promise<TestService | undefined> {
  return find('postgres', async () => {
    const named = process.env.IRON_TEST_POSTGRES_URL
    if (named !== undefined && named !== '') return demand(named, postgresAnswers(named), 'IRON_TEST_POSTGRES_URL')
    if (await postgresAnswers(DEFAULT_POSTGRES_URL)) return DEFAULT_POSTGRES_URL
    if (!canStartPostgres()) return undefined
    return canShare() ? sharedService('postgres') : (await privatePostgres()).url
  })
}

/** @throws Error as `postgresForTests` */
export function redisForTests(): Promise<TestService | undefined> {
  return find('redis', async () => {
    const named = process.env.IRON_TEST_REDIS_URL
    if (named !== undefined && named !== '') return demand(named, redisAnswers(named), 'IRON_TEST_REDIS_URL')
    if (await redisAnswers(DEFAULT_REDIS_URL)) return DEFAULT_REDIS_URL
    if (!canStartRedis()) return undefined
    return canShare() ? sharedService('redis') : (await privateRedis()).url
  })
}

/** The engines a storage suite runs on: `describe.each(await enginesForTests())`. Says so when PostgreSQL is missing; `pnpm test:quick` leaves it out. */
export async function enginesForTests(): Promise<Engine[]> {
  if (process.env.IRON_TEST_QUICK === '1') return ['sqlite']
  return (await postgresForTests()) === undefined ? ['sqlite'] : ['sqlite', 'postgres']
}

function find(name: ServiceName, look: () => Promise<string | undefined>): Promise<TestService | undefined> {
  const known = found.get(name)
  if (known !== undefined) return known
  const service = look().then((url) => {
    if (url !== undefined) return { url }
    const missing = `no ${name} found: none named by IRON_TEST_${name.toUpperCase()}_URL, none on the default port, none installed`
    if (process.env.IRON_REQUIRE_SERVICES === '1') throw new Error(missing)
    process.stderr.write(`\n!!! SKIPPED: ${missing}\n\n`)
    return undefined
  })
  found.set(name, service)
  return service
}

async function demand(url: string, answers: Promise<boolean>, variable: string): Promise<string> {
  if (await answers) return url
  throw new Error(`The service named by ${variable} does not answer`)
}

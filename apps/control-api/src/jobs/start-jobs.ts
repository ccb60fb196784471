import { DatabaseError, recheckSchema } from '@iron/database'
import type { ControlApiConfig } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { Services } from '../services.ts'
import { Timers } from './timers.ts'
import { verifyBooks } from './verify-books.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** How often what (packages.md 13). */
const FAIL_SILENT_EVERY_MS = 15 * SECOND_MS
const ROLL_UP_EVERY_MS = 5 * MINUTE_MS
/**
 * Hours that are rolled up in one step, each in a transaction of its own, and the pause until the next step: after a year of
 * outage they are done within the hour, and writers have the database to themselves in between.
 */
const ROLL_UP_STEP_HOURS = 5
const ROLL_UP_STEP_PAUSE_MS = 0.5 * SECOND_MS
const RECHECK_SCHEMA_EVERY_MS = 5 * MINUTE_MS
const PRUNE_EVERY_MS = 10 * MINUTE_MS
const PRUNE_LOGS_EVERY_MS = HOUR_MS
/** What is kept how long (http-api 7). */
const KEEP_IDEMPOTENCY_KEYS_MS = DAY_MS
const KEEP_ENDED_SESSIONS_MS = 30 * DAY_MS
const KEEP_REPLACED_SECRETS_MS = 30 * DAY_MS

/** Starts the server's periodic work. Every job may run in several processes at once without doing work twice. */
export function startJobs(services: Services, config: ControlApiConfig, logger: Logger): Timers {
  const { database } = services
  const timers = new Timers(logger)
  const before = (ms: number): number => database.clock.now() - ms
  timers.every('sweep', config.sweepMs, () => services.leases.sweep())
  timers.every('fail-silent', FAIL_SILENT_EVERY_MS, () => services.agents.failSilent())
  verifyBooks(timers, services, config.databaseUrl, logger)
  timers.every('schema', RECHECK_SCHEMA_EVERY_MS, () => noteSchema(services))
  const rollUp = async (): Promise<boolean> =>
    (await services.requests.rollUp({ limit: ROLL_UP_STEP_HOURS })) === ROLL_UP_STEP_HOURS
  timers.every('roll-up', ROLL_UP_EVERY_MS, rollUp, { againMs: ROLL_UP_STEP_PAUSE_MS })
  timers.every('prune', PRUNE_EVERY_MS, async () => {
    await services.sessions.prune({ olderThan: before(KEEP_ENDED_SESSIONS_MS) })
    await services.tokens.prune({ olderThan: before(KEEP_REPLACED_SECRETS_MS) })
    await services.idempotency.prune({ olderThan: before(KEEP_IDEMPOTENCY_KEYS_MS) })
    await services.limits.prune({ olderThan: before(0) })
    await services.events.prune({ olderThan: before(config.retainEventsDays * DAY_MS) })
  })
  timers.every('prune-logs', PRUNE_LOGS_EVERY_MS, async () => {
    await services.requests.prune({ olderThan: before(config.retainRequestsDays * DAY_MS) })
    await services.traces.prune({ olderThan: before(config.retainSpansDays * DAY_MS) })
  })
  return timers
}

/** Whether the schema still is this version's (rulings R8); no answer from the database is no answer to that. */
async function noteSchema({ database, readiness }: Services): Promise<void> {
  try {
    await recheckSchema(database)
    readiness.noteSchema(true)
  } catch (error) {
    const isOther = error instanceof DatabaseError && SCHEMA_FAULTS.has(error.code)
    if (isOther) readiness.noteSchema(false)
    throw error
  }
}

const SCHEMA_FAULTS: ReadonlySet<string> = new Set(['SCHEMA_MISMATCH', 'MIGRATION_CHECKSUM_MISMATCH'])

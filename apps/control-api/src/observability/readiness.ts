/**
 * Whether this process can do its work now (http-api 4.19, OPS-01). Anybody may ask, so an answer is remembered for a second and
 * one look runs at a time; what is expensive to know (schema, ledger) is found out by jobs, which leave their result here.
 */
import type { IronDatabase } from '@iron/database'
import type { ProviderKeyStorage } from '@iron/token-manager'
import type { EventLag } from './event-lag.ts'
import { inTime, remembered } from './remembered.ts'

/** How long an answer is good for, in milliseconds. */
const REMEMBERED_MS = 1_000
/** What one check may take, in milliseconds. */
const CHECK_TIMEOUT_MS = 5_000
/** The longest lag behind the event log that is still ready, in milliseconds: three looks of a follower that nothing wakes. */
export const EVENT_LAG_MAX_MS = 15_000

/** How far this process's clock and the database's may be apart, in milliseconds (budget-protocol 11): leases end by them. */
export const CLOCK_APART_MAX_MS = 5_000

export type CheckName = 'database' | 'migrations' | 'vault' | 'events' | 'ledger'
export type Checks = Readonly<Record<CheckName, 'ok' | 'failed'>>

/** What readiness looks at. */
export interface ReadinessSources {
  readonly database: Pick<IronDatabase, 'ping'>
  readonly keys: Pick<ProviderKeyStorage, 'checkCanary'>
  readonly eventLag: Pick<EventLag, 'ms'>
}

export class Readiness {
  readonly #sources: ReadinessSources
  readonly #look: () => Promise<Checks>
  #phase: 'starting' | 'serving' | 'stopping' = 'starting'
  #isSchemaSound = true
  #isLedgerSound = true
  #clockAheadMs = 0

  constructor(sources: ReadinessSources) {
    this.#sources = sources
    this.#look = remembered(REMEMBERED_MS, () => this.#lookNow())
  }

  /** Every check. While the server starts or stops none of them passes, whatever the database says. */
  check(): Promise<Checks> {
    return this.#phase === 'serving' ? this.#look() : Promise.resolve(NOTHING_READY)
  }

  /** How far this process's clock was ahead of the database's at the last look, when that is too far: then `database` fails. */
  get clockFaultMs(): number | undefined {
    return Math.abs(this.#clockAheadMs) > CLOCK_APART_MAX_MS ? this.#clockAheadMs : undefined
  }

  /** From here on the checks decide. */
  serve(): void {
    if (this.#phase === 'starting') this.#phase = 'serving'
  }

  /** Never ready again. */
  stop(): void {
    this.#phase = 'stopping'
  }

  /** What the last look at the schema found (rulings R8). An open database was accepted at the start. */
  noteSchema(isSound: boolean): void {
    this.#isSchemaSound = isSound
  }

  /** What the last verification of all balances found. */
  noteLedger(isSound: boolean): void {
    this.#isLedgerSound = isSound
  }

  async #lookNow(): Promise<Checks> {
    const { database, keys, eventLag } = this.#sources
    this.#clockAheadMs = 0
    const [isDatabaseUp, isVaultOpen, isFollowing] = await Promise.all([
      passes(
        database.ping().then(({ clockAheadMs }) => {
          this.#clockAheadMs = clockAheadMs
          return true
        }),
      ),
      passes(keys.checkCanary().then((canaries) => canaries.every(({ ok }) => ok))),
      passes(eventLag.ms().then((ms) => ms <= EVENT_LAG_MAX_MS)),
    ])
    return {
      database: verdict(isDatabaseUp && this.clockFaultMs === undefined),
      migrations: verdict(isDatabaseUp && this.#isSchemaSound),
      vault: verdict(isVaultOpen),
      events: verdict(isFollowing),
      ledger: verdict(isDatabaseUp && this.#isLedgerSound),
    }
  }
}

const NOTHING_READY: Checks = {
  database: 'failed',
  migrations: 'failed',
  vault: 'failed',
  events: 'failed',
  ledger: 'failed',
}

const verdict = (passed: boolean): 'ok' | 'failed' => (passed ? 'ok' : 'failed')

async function passes(check: Promise<boolean>): Promise<boolean> {
  try {
    return await inTime(CHECK_TIMEOUT_MS, check)
  } catch {
    return false
  }
}

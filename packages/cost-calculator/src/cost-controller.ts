/**
 * A budget guard that lives in one process: hold the worst case before a call, commit the true cost after it. It is
 * synchronous and hence atomic; a hold ends exactly once, so money is neither forgotten nor counted twice (MON-32).
 */
import { CostError } from './errors.ts'
import { type Amounts, micros, type Microdollars, minus, sum, ZERO } from './money.ts'

/** Money held for a call that runs. `using` cancels it on an early exit. */
export interface Reservation extends Disposable {
  readonly amount: Microdollars
  readonly state: 'held' | 'committed' | 'cancelled'
}

/** What is known of money held, and changed by its controller alone. */
interface Hold {
  readonly guard: CostController
  readonly amount: Microdollars
  state: Reservation['state']
  /** What was committed. */
  actual: Microdollars
}

const holds = new WeakMap<Reservation, Hold>()

/** A hold as its owner sees it. */
class Held implements Reservation {
  constructor(guard: CostController, amount: Microdollars) {
    holds.set(this, { guard, amount, state: 'held', actual: ZERO })
    Object.freeze(this)
  }

  get amount(): Microdollars {
    return (holds.get(this) as Hold).amount
  }

  get state(): Reservation['state'] {
    return (holds.get(this) as Hold).state
  }

  [Symbol.dispose](): void {
    holds.get(this)?.guard.cancel(this)
  }
}

/** A budget guard that lives in one process: hold the worst case before a call, commit the true cost after it. Synchronous, hence atomic. */
export class CostController {
  #limit: Microdollars
  #spent: Microdollars = ZERO
  #reserved: Microdollars = ZERO

  /** @throws {CostError} INVALID_AMOUNT for a limit that is negative or no whole number of microdollars */
  constructor(limit: Microdollars) {
    this.#limit = notNegative(limit)
  }

  /**
   * Holds the most a call may cost. An exact fit is admitted.
   *
   * @throws {CostError} BUDGET_EXCEEDED with `limit`, `spent`, `reserved` and `requested` in microdollars; nothing is held then
   */
  reserve(max: Microdollars): Reservation {
    const requested = notNegative(max)
    const reserved = sum([this.#reserved, requested])
    if (sum([this.#spent, reserved]) > this.#limit) {
      const { limit, spent } = this.status()
      throw new CostError('BUDGET_EXCEEDED', 'the budget does not cover this call', {
        limit,
        spent,
        reserved: this.#reserved,
        requested,
      })
    }
    this.#reserved = reserved
    return new Held(this, requested)
  }

  /**
   * Ends a hold with the true cost, recorded in full even above the hold; the excess is returned. The same figure again
   * changes nothing.
   *
   * @throws {CostError} ALREADY_SETTLED after another figure or a cancellation
   */
  commit(reservation: Reservation, actual: Microdollars): { readonly overrun: Microdollars } {
    const hold = this.#own(reservation)
    const cost = notNegative(actual)
    if (hold.state === 'cancelled' || (hold.state === 'committed' && hold.actual !== cost)) {
      throw new CostError('ALREADY_SETTLED', 'the reservation has ended', { state: hold.state })
    }
    if (hold.state === 'held') {
      const spent = sum([this.#spent, cost])
      this.#reserved = minus(this.#reserved, hold.amount)
      this.#spent = spent
      hold.actual = cost
      hold.state = 'committed'
    }
    return Object.freeze({ overrun: cost > hold.amount ? minus(cost, hold.amount) : ZERO })
  }

  /** Gives a hold back: the provider surely billed nothing. Does nothing to one that has ended. */
  cancel(reservation: Reservation): void {
    const hold = this.#own(reservation)
    if (hold.state !== 'held') return
    this.#reserved = minus(this.#reserved, hold.amount)
    hold.state = 'cancelled'
  }

  /** Sets the limit, also below what is spent; `resetSpent` starts counting anew, as after a refreshed lease. Holds stay. */
  setLimit(limit: Microdollars, options: { readonly resetSpent?: boolean | undefined } = {}): void {
    this.#limit = notNegative(limit)
    if (options.resetSpent === true) this.#spent = ZERO
  }

  /** `available` = limit - spent - reserved; below 0 by what was spent beyond the limit. */
  status(): Amounts<'limit' | 'spent' | 'reserved' | 'available'> {
    return Object.freeze({
      limit: this.#limit,
      spent: this.#spent,
      reserved: this.#reserved,
      available: minus(minus(this.#limit, this.#spent), this.#reserved),
    })
  }

  #own(reservation: Reservation): Hold {
    const hold = holds.get(reservation)
    if (hold?.guard === this) return hold
    throw new TypeError('the reservation was made by another controller')
  }
}

function notNegative(amount: Microdollars): Microdollars {
  const checked = micros(amount)
  if (checked < 0) throw new CostError('INVALID_AMOUNT', 'an amount is not negative')
  return checked
}

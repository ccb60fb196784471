import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { CostController, micros, type Microdollars, type Reservation, usd, ZERO } from '../src/index.ts'
import { refusal } from './refusal.ts'

describe('CostController', () => {
  test('an exact fit is admitted, one microdollar more is refused and holds nothing', () => {
    const guard = new CostController(usd(10))
    guard.reserve(usd(4))
    guard.reserve(usd(6))
    const error = refusal(() => guard.reserve(micros(1)))
    expect(error.code).toBe('BUDGET_EXCEEDED')
    expect(error.details).toEqual({ limit: 10_000_000, spent: 0, reserved: 10_000_000, requested: 1 })
    expect(guard.status()).toEqual({ limit: 10_000_000, spent: 0, reserved: 10_000_000, available: 0 })
  })

  test('MON-32 an early exit releases the hold', () => {
    const guard = new CostController(usd(1))
    let seen: Reservation | undefined
    expect(() => {
      using hold = guard.reserve(usd(1))
      seen = hold
      throw new Error('the provider is away')
    }).toThrow('the provider is away')
    expect(seen?.state).toBe('cancelled')
    expect(guard.status().available).toBe(1_000_000)
  })

  test('MON-32 settling twice counts once; with another figure or after a cancellation it is refused', () => {
    const guard = new CostController(usd(10))
    const hold = guard.reserve(usd(5))
    expect(guard.commit(hold, usd(3))).toEqual({ overrun: 0 })
    expect(guard.commit(hold, usd(3))).toEqual({ overrun: 0 })
    expect(refusal(() => guard.commit(hold, usd(2))).code).toBe('ALREADY_SETTLED')
    guard.cancel(hold)
    hold[Symbol.dispose]()
    expect(hold.state).toBe('committed')
    expect(guard.status()).toEqual({ limit: 10_000_000, spent: 3_000_000, reserved: 0, available: 7_000_000 })
    const other = guard.reserve(usd(1))
    guard.cancel(other)
    guard.cancel(other)
    expect(refusal(() => guard.commit(other, ZERO)).code).toBe('ALREADY_SETTLED')
    expect(guard.status().available).toBe(7_000_000)
  })

  test('only its controller changes a hold', () => {
    const guard = new CostController(usd(1))
    const hold = guard.reserve(usd(1)) as { -readonly [Field in keyof Reservation]: Reservation[Field] }
    expect(() => (hold.state = 'cancelled')).toThrow(TypeError)
    expect(() => (hold.amount = ZERO)).toThrow(TypeError)
    expect(guard.status().reserved).toBe(1_000_000)
    expect(() => new CostController(usd(1)).cancel(hold)).toThrow('another controller')
    guard.cancel(hold)
    expect([hold.state, guard.status().available]).toEqual(['cancelled', 1_000_000])
  })

  test('an actual above the hold is recorded in full, and its excess said', () => {
    const guard = new CostController(usd(1))
    expect(guard.commit(guard.reserve(usd(1)), usd(1.5))).toEqual({ overrun: 500_000 })
    expect(guard.status()).toEqual({ limit: 1_000_000, spent: 1_500_000, reserved: 0, available: -500_000 })
    expect(refusal(() => guard.reserve(ZERO)).code).toBe('BUDGET_EXCEEDED')
  })

  test('a new limit keeps holds; resetSpent starts counting anew', () => {
    const guard = new CostController(usd(2))
    guard.commit(guard.reserve(usd(1)), usd(1))
    guard.reserve(usd(1))
    guard.setLimit(usd(1))
    expect(guard.status().available).toBe(-1_000_000)
    guard.setLimit(usd(5), { resetSpent: true })
    expect(guard.status()).toEqual({ limit: 5_000_000, spent: 0, reserved: 1_000_000, available: 4_000_000 })
  })

  test('MON-04 negative and fractional amounts are refused, and so is a hold of another guard', () => {
    const guard = new CostController(usd(1))
    for (const amount of [-1, 0.5, NaN] as Microdollars[]) {
      expect(refusal(() => guard.reserve(amount)).code).toBe('INVALID_AMOUNT')
      expect(refusal(() => guard.setLimit(amount)).code).toBe('INVALID_AMOUNT')
      expect(refusal(() => new CostController(amount)).code).toBe('INVALID_AMOUNT')
      expect(refusal(() => guard.commit(guard.reserve(ZERO), amount)).code).toBe('INVALID_AMOUNT')
    }
    const foreign = new CostController(usd(1)).reserve(usd(1))
    expect(() => guard.cancel(foreign)).toThrow(TypeError)
  })

  test('whatever happens, available = limit - spent - reserved, and reserved is the sum of live holds', () => {
    const step = fc.tuple(fc.constantFrom('reserve', 'commit', 'cancel'), fc.nat({ max: 2_000 }), fc.nat({ max: 30 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const guard = new CostController(micros(10_000))
        const holds: Reservation[] = []
        let spent = 0
        for (const [what, amount, at] of steps) {
          const hold = holds[at]
          if (what === 'reserve') {
            const { available } = guard.status()
            if (amount <= available) holds.push(guard.reserve(micros(amount)))
            else expect(refusal(() => guard.reserve(micros(amount))).code).toBe('BUDGET_EXCEEDED')
          } else if (hold?.state === 'held') {
            if (what === 'cancel') guard.cancel(hold)
            else {
              guard.commit(hold, micros(amount))
              spent += amount
            }
          }
          const reserved = holds.filter(({ state }) => state === 'held').reduce((total, held) => total + held.amount, 0)
          expect(guard.status()).toEqual({ limit: 10_000, spent, reserved, available: 10_000 - spent - reserved })
        }
      }),
    )
  })
})

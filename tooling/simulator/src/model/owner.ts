/** An owner's limits and what was counted against them (budget protocol 9). */
import type { Maxima } from '../commands.ts'
import { DAY, MINUTE } from '../rules.ts'

const NO_LIMITS: Maxima = { tokensPerDay: null, requestsPerMinute: null, costPerMonth: null }

export class OwnerModel {
  readonly id: string
  active = true
  maxima: Maxima | undefined
  /** By metric and start of the UTC window. */
  readonly counters = new Map<string, number>()

  constructor(id: string) {
    this.id = id
  }

  /** Counts usage at an instant; nothing for what is zero. */
  count(at: number, used: { readonly tokens: number; readonly requests: number; readonly cost: number }): void {
    this.#add(dayOf(at), used.tokens)
    this.#add(minuteOf(at), used.requests)
    this.#add(monthOf(at), used.cost)
  }

  /** What is left for a grant while `reserved` is lent to all of the owner's agents. */
  room(at: number, reserved: number): { readonly left: number | null; readonly blocked: boolean } {
    const { tokensPerDay, requestsPerMinute, costPerMonth } = this.maxima ?? NO_LIMITS
    const usedUp = (key: string, max: number | null): boolean => max !== null && this.#of(key) >= max
    return {
      left: costPerMonth === null ? null : costPerMonth - this.#of(monthOf(at)) - reserved,
      blocked: usedUp(dayOf(at), tokensPerDay) || usedUp(minuteOf(at), requestsPerMinute),
    }
  }

  #of(key: string): number {
    return this.counters.get(key) ?? 0
  }

  #add(key: string, amount: number): void {
    if (amount > 0) this.counters.set(key, this.#of(key) + amount)
  }
}

function dayOf(at: number): string {
  return `tokens_per_day ${at - (at % DAY)}`
}

function minuteOf(at: number): string {
  return `requests_per_minute ${at - (at % MINUTE)}`
}

function monthOf(at: number): string {
  return `cost_per_month ${Date.parse(`${new Date(at).toISOString().slice(0, 7)}-01`)}`
}

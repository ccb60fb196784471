/**
 * What a limiter limits by: where its records stand in a store, and under which rule, at an instant. A bucket has one
 * place for ever; a quota has one for each window, so opening a window resets nothing (LIM-12).
 */
import { type Meter, meterOf } from './meter.ts'
import type { StoreRule } from './store.ts'
import { type QuotaWindow, windowAt, windowName } from './window.ts'

/** The records of one limiter under one rule. */
export interface Place {
  /** Begins the stored keys; no prefix begins another one. */
  readonly prefix: string
  readonly rule: StoreRule
  readonly meter: Meter
}

export interface Scheme {
  /** The same object as long as the place stays the same. */
  placeAt(now: number): Place
}

/** A name of the caller's is quoted, so that it can be neither a rule nor a part of another name. */
const named = (name: string | undefined, rule: string): string => (name === undefined ? rule : JSON.stringify(name))

export function bucketScheme(name: string | undefined, capacity: number, refill: number, intervalMs: number): Scheme {
  const rule: StoreRule = Object.freeze({ kind: 'bucket', capacity, refill, intervalMs })
  const meter = meterOf(rule)
  const place: Place = { prefix: `b:${named(name, meter.id)}:`, rule, meter }
  return { placeAt: () => place }
}

export function windowScheme(name: string | undefined, limit: number, window: QuotaWindow): Scheme {
  const prefix = `w:${named(name, String(limit))}:${windowName(window)}@`
  let place: (Place & { readonly startsAt: number }) | undefined
  return {
    placeAt: (now) => {
      if (place !== undefined && now >= place.startsAt && now < place.meter.endsAt) return place
      const bounds = windowAt(window, now)
      const rule: StoreRule = Object.freeze({ kind: 'window', limit, ...bounds })
      place = { prefix: `${prefix}${bounds.startsAt}:`, rule, meter: meterOf(rule), startsAt: bounds.startsAt }
      return place
    },
  }
}

/**
 * Finds the entries of a book under the spellings of a model name. It holds no rule about money; it decides only which
 * entry is meant and, where several providers sell one model, that the dearest counts.
 */
import { CostError } from '../errors.ts'
import { effectiveRate } from './effective-rate.ts'
import { type ModelNames, modelNames, providerInName } from './model-names.ts'
import type { Price, PriceQuery } from './price.ts'

/** A price and when it counts. */
export interface PriceVersion {
  readonly price: Price
  /** Part of the UTC day the price is for, in ms since midnight, start included, end not; may wrap midnight. */
  readonly hours?: { readonly startMs: number; readonly endMs: number } | undefined
}

/** All prices of one model at one provider. */
export interface PriceEntry {
  readonly provider: string | null
  readonly model: string
  /** Other exact names, any case. */
  readonly aliases: readonly string[]
  /** The provider makes this model itself, so it is preferred among equals. */
  readonly firstParty: boolean
  /** Later ones win over earlier ones. */
  readonly versions: readonly PriceVersion[]
}

/** A provider and where else its models are priced. */
export interface PriceSeller {
  readonly id: string
  readonly fallbacks: readonly string[]
}

const DAY_MS = 86_400_000
/** `ProviderKind`s that the book calls otherwise. */
const KINDS: ReadonlyMap<string, string> = new Map([['azure_openai', 'azure']])
/** Resolved names kept; beyond it the memory starts anew. */
const MEMORY_MAX = 10_000

/** The book's word for a provider; `undefined` for none and `custom`. */
export function providerKey(provider: string | undefined): string | undefined {
  if (provider === undefined) return undefined
  const key = provider.trim().toLowerCase()
  return key === 'custom' ? undefined : (KINDS.get(key) ?? key)
}

/** Entries that may answer a query, in order of precedence; those of one group compete, the dearest wins. */
type Groups = readonly (readonly PriceEntry[])[]

export interface Found {
  readonly price: Price
  /** The name lost its date on the way. */
  readonly undated: boolean
}

interface Candidates {
  readonly routed: Groups
  readonly undated: Groups
}

interface Resolution extends Candidates {
  /** The answer without an instant. */
  readonly found: Found | undefined
  /** Whether it is the answer at every instant. */
  readonly isTimeless: boolean
}

export class PriceIndex {
  readonly #byName = new Map<string, PriceEntry[]>()
  readonly #sellers: ReadonlyMap<string, PriceSeller>
  readonly #memory = new Map<string, Map<string, Resolution>>()
  #remembered = 0

  constructor(entries: readonly PriceEntry[], sellers: readonly PriceSeller[]) {
    this.#sellers = new Map(sellers.map((seller) => [seller.id, seller]))
    for (const entry of entries) {
      for (const name of new Set([entry.model, ...entry.aliases].map((alias) => alias.toLowerCase()))) {
        const same = this.#byName.get(name)
        if (same === undefined) this.#byName.set(name, [entry])
        else same.push(entry)
      }
    }
  }

  knows(provider: string): boolean {
    return this.#sellers.has(provider)
  }

  find(model: string, query: PriceQuery = {}): Found | undefined {
    const resolution = this.#resolve(model, providerKey(query.provider))
    if (query.at === undefined) return resolution.found
    // No version holds at a moment that is none: the call would be charged as one of an unknown model.
    if (!Number.isFinite(query.at)) {
      throw new CostError('INVALID_USAGE', 'a price is asked for at no time', {
        fields: { at: 'must be a time, in epoch ms' },
      })
    }
    return resolution.isTimeless ? resolution.found : foundIn(resolution, query.at)
  }

  #resolve(model: string, provider: string | undefined): Resolution {
    const key = provider ?? ''
    let ofProvider = this.#memory.get(key)
    const known = ofProvider?.get(model)
    if (known !== undefined) return known
    if (this.#remembered >= MEMORY_MAX) {
      this.#memory.clear()
      this.#remembered = 0
      ofProvider = undefined
    }
    if (ofProvider === undefined) this.#memory.set(key, (ofProvider = new Map<string, Resolution>()))
    const candidates = this.#lookUp(model, provider)
    const entries = [...candidates.routed, ...candidates.undated].flat()
    const resolution = { ...candidates, found: foundIn(candidates, undefined), isTimeless: entries.every(isTimeless) }
    ofProvider.set(model, resolution)
    this.#remembered += 1
    return resolution
  }

  #lookUp(model: string, provider: string | undefined): Candidates {
    const isProvider = (word: string): boolean => this.#sellers.has(word)
    const names = modelNames(model, isProvider)
    const seller = provider === undefined ? undefined : this.#sellers.get(provider)
    if (seller !== undefined) {
      const chain = [seller.id, ...seller.fallbacks]
      return this.#groups(names, chain)
    }
    return this.#anywhere(names, providerInName(model, isProvider))
  }

  /** Each seller of the chain in turn; an entry for every provider comes after one of the provider itself. */
  #groups(names: ModelNames, chain: readonly string[]): Candidates {
    const among = (spellings: readonly string[]): Groups =>
      [...chain, null].flatMap((id) =>
        spellings.map((name) => (this.#byName.get(name) ?? []).filter((entry) => entry.provider === id)),
      )
    return { routed: among(names.routed), undated: among(names.undated) }
  }

  /** The model alone decides; each provider answers for the most telling spelling it knows. */
  #anywhere(names: ModelNames, hint: string | undefined): Candidates {
    const named = (name: string): readonly PriceEntry[] => this.#byName.get(name) ?? []
    const among = (spellings: readonly string[]): Groups => {
      const hinted = spellings.flatMap((name) => named(name).filter((entry) => entry.provider === hint))
      const first = [...new Set([...hinted, ...named(spellings[0] ?? '')])]
      return [first, ...spellings.slice(1).map(named)]
    }
    // A reseller that spells out a date must not undercut the maker, who prices the undated name.
    const makers = names.undated.flatMap(named).filter(({ firstParty }) => firstParty)
    const routed = among(names.routed).map((group) =>
      group.length === 0 || group.some(({ firstParty }) => firstParty) ? group : [...group, ...makers],
    )
    return { routed, undated: among(names.undated) }
  }
}

function foundIn({ routed, undated }: Candidates, at: number | undefined): Found | undefined {
  for (const group of routed) {
    const price = dearest(group, at)
    if (price !== undefined) return { price, undated: false }
  }
  for (const group of undated) {
    const price = dearest(group, at)
    if (price !== undefined) return { price, undated: true }
  }
  return undefined
}

/** Whether an entry has one price, at all times. */
function isTimeless({ versions }: PriceEntry): boolean {
  return (
    versions.every(({ price, hours }) => hours === undefined && price.validFrom === undefined) && versions.length === 1
  )
}

function dearest(group: readonly PriceEntry[], at: number | undefined): Price | undefined {
  let best: Price | undefined
  let bestWeight = -1
  for (const entry of group) {
    const price = priceAt(entry, at)
    if (price === undefined) continue
    const weight = weigh(price) + (entry.firstParty ? 0.5 : 0)
    if (weight > bestWeight) {
      best = price
      bestWeight = weight
    }
  }
  return best
}

/** One token in, one token out; what else a price names decides nothing. */
function weigh(price: Price): number {
  return (effectiveRate(price.rates, 'input') ?? 0) + (effectiveRate(price.rates, 'output') ?? 0)
}

/** The price in force at an instant; without one the newest, the dearest of the day's hours. */
function priceAt(entry: PriceEntry, at: number | undefined): Price | undefined {
  const { versions } = entry
  if (isTimeless(entry)) return versions[0]?.price
  if (at !== undefined) {
    return versions.findLast(({ price, hours }) => (price.validFrom ?? -Infinity) <= at && within(hours, at))?.price
  }
  const whole = versions.findLast(({ hours }) => hours === undefined)?.price
  const candidates = versions.filter(({ hours }) => hours !== undefined).map(({ price }) => price)
  return candidates.reduce((best, price) => (best === undefined || weigh(price) > weigh(best) ? price : best), whole)
}

function within(hours: PriceVersion['hours'], at: number): boolean {
  if (hours === undefined) return true
  const time = ((at % DAY_MS) + DAY_MS) % DAY_MS
  return hours.startMs <= hours.endMs
    ? time >= hours.startMs && time < hours.endMs
    : time >= hours.startMs || time < hours.endMs
}

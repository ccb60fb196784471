/**
 * The price books: the bundled one, and an operator's prices laid over another book. A book is frozen; making a new one
 * never changes what an old one answers (PRI-14, PRI-15).
 */
import { type Microdollars, ZERO } from '../money.ts'
import type { UsageUnit } from '../usage/usage.ts'
import { bundledEntries, DATA_VERSION } from './bundled-data.ts'
import { highestRates } from './effective-rate.ts'
import { overrideEntries } from './override-entries.ts'
import { type PriceEntry, PriceIndex, type PriceSeller, providerKey } from './price-index.ts'
import type { Price, PriceBook, PriceInput, PriceQuery } from './price.ts'

/** A book over entries. */
class IndexedPriceBook implements PriceBook {
  readonly version: string
  readonly index: PriceIndex
  readonly #providers: readonly string[]
  readonly #entries: readonly PriceEntry[]
  readonly #highest: ReadonlyMap<UsageUnit, Microdollars>

  constructor(version: string, entries: readonly PriceEntry[], sellers: readonly PriceSeller[]) {
    this.version = version
    this.index = new PriceIndex(entries, sellers)
    this.#providers = Object.freeze(sellers.map(({ id }) => id).sort())
    this.#entries = entries
    this.#highest = highestRates(entries.flatMap(({ versions }) => versions.map(({ price }) => price)))
    Object.freeze(this)
  }

  providers(): readonly string[] {
    return this.#providers
  }

  models(provider?: string): readonly string[] {
    const wanted = providerKey(provider)
    const sold = this.#entries.filter(
      (entry) => wanted === undefined || entry.provider === null || entry.provider === wanted,
    )
    return Object.freeze([...new Set(sold.map(({ model }) => model))].sort())
  }

  highest(unit: UsageUnit): Microdollars {
    return this.#highest.get(unit) ?? ZERO
  }

  find(model: string, query?: PriceQuery): Price | undefined {
    return this.index.find(model, query)?.price
  }
}

/** Overrides over a base. */
class LayeredPriceBook implements PriceBook {
  readonly version: string
  readonly #overrides: IndexedPriceBook
  readonly #base: PriceBook

  constructor(version: string, overrides: IndexedPriceBook, base: PriceBook) {
    this.version = version
    this.#overrides = overrides
    this.#base = base
    Object.freeze(this)
  }

  providers(): readonly string[] {
    return Object.freeze([...new Set([...this.#base.providers(), ...this.#overrides.providers()])].sort())
  }

  models(provider?: string): readonly string[] {
    return Object.freeze([...new Set([...this.#base.models(provider), ...this.#overrides.models(provider)])].sort())
  }

  highest(unit: UsageUnit): Microdollars {
    const over = this.#overrides.highest(unit)
    const base = this.#base.highest(unit)
    return over > base ? over : base
  }

  find(model: string, query?: PriceQuery): Price | undefined {
    const over = this.#overrides.index.find(model, query)
    if (over === undefined) return this.#base.find(model, query)
    if (!over.undated) return over.price
    // A dated name with a bundled price of its own keeps it; one that is only another spelling takes the override.
    const base = this.#base.find(model, query)
    return base === undefined || base.model.toLowerCase() === over.price.model.toLowerCase() ? over.price : base
  }
}

let bundled: PriceBook | undefined

/** The prices that come with this package. Made at first use, then shared. */
export function bundledPriceBook(): PriceBook {
  if (bundled === undefined) {
    const { entries, sellers } = bundledEntries()
    bundled = new IndexedPriceBook(DATA_VERSION, entries, sellers)
  }
  return bundled
}

/**
 * A book in which the operator's prices win over those of `base` (default: the bundled ones; `null`: none). A rate of 0 is
 * free because somebody said so.
 *
 * @throws {CostError} INVALID_PRICE with every fault in `details.fields`; no book is made, the old one stays usable
 */
export function createPriceBook(
  overrides: readonly PriceInput[],
  options: { readonly base?: PriceBook | null | undefined } = {},
): PriceBook {
  const base = options.base === undefined ? bundledPriceBook() : options.base
  const { entries, sellers, version } = overrideEntries(overrides, base)
  if (base === null) return new IndexedPriceBook(version, entries, sellers)
  if (overrides.length === 0) return base
  return new LayeredPriceBook(version, new IndexedPriceBook(version, entries, sellers), base)
}

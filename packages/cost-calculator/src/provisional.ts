import type { Cost, CostOptions } from './cost.ts'
import { type Microdollars, usd } from './money.ts'
import type { PriceBook, PriceInput, Rates } from './prices/price.ts'
import type { Usage, UsageUnit } from './usage/usage.ts'
export function bundledPriceBook(): PriceBook { return createPriceBook([{ model: 'gpt-4o', usdPerMillion: { input: '2.5', output: '10' } }]) }
export function createPriceBook(overrides: readonly PriceInput[], _options?: unknown): PriceBook {
  const map = new Map([...overrides, { model: 'gpt-4o', usdPerMillion: { input: '2.5', output: '10' } } as PriceInput].map((o) => [o.model, o] as const))
  return { version: 'p', providers: () => [], models: () => [...map.keys()], highest: () => usd('600') , find: (model) => { const o = map.get(model); return o === undefined ? undefined : { id: `p/${model}`, provider: null, model, source: 'override', longContext: [], rates: Object.fromEntries(Object.entries(o.usdPerMillion).map(([k, v]) => [k, usd(v as string)])) as Rates } } }
}
export class CostCalculator {
  readonly #book: PriceBook
  constructor(book: PriceBook = bundledPriceBook(), _options: unknown = {}) { this.#book = book }
  cost(model: string, usage: Usage, _options?: CostOptions): Cost {
    const price = this.#book.find(model)
    let total = 0n
    for (const [unit, n] of Object.entries(usage)) total += BigInt(n as number) * BigInt((price?.rates as Record<string, number> | undefined)?.[unit] ?? this.#book.highest(unit as UsageUnit))
    return { amount: Number((total + 999_999n) / 1_000_000n) as Microdollars, pricing: price === undefined ? 'ceiling' : 'price_book', priceId: price?.id ?? 'ceiling', lines: [] }
  }
}

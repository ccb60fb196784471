import type { Microdollars } from '@iron/cost-calculator'
import type { CallFacts } from '@iron/journal'
import { SEED_TOKENS, type SeedToken, type SeedUsage } from './base-data.ts'

const DAY_MS = 86_400_000
/** Of a call's tokens, those that were read; the others were written. */
const INPUT_PERCENT = 90

/** One call of the seed. */
export interface PlannedCall {
  readonly at: number
  readonly token: SeedToken
  readonly facts: CallFacts & { readonly cost: Microdollars }
}

/** The calls of a token: evenly spread, with figures whose sums are exactly those of the plan. Pure. */
export function planUsage(usage: SeedUsage, anchor: number): readonly PlannedCall[] {
  const token = SEED_TOKENS.find(({ id }) => id === usage.tokenId)
  if (token === undefined) throw new TypeError(`the seed has no token ${usage.tokenId}`)
  const sinceMidnightMs = anchor % DAY_MS
  const overMs = usage.overMs === 'day' ? sinceMidnightMs : usage.overMs
  return Array.from({ length: usage.rows }, (_, index) => {
    const tokens = share(usage.tokens, usage.rows, index)
    const input = Math.floor((tokens * INPUT_PERCENT) / 100)
    return {
      at: anchor - Math.floor((overMs * (usage.rows - index)) / (usage.rows + 1)),
      token,
      facts: {
        requestId: `seed-${token.name.toLowerCase()}-${index + 1}`,
        provider: usage.provider,
        model: usage.model,
        usage: { input, output: tokens - input },
        cost: share(usage.cost, usage.rows, index) as Microdollars,
      },
    }
  })
}

/** The index-th of so many shares of a whole: they add up to it. */
function share(whole: number, shares: number, index: number): number {
  return Math.floor((whole * (index + 1)) / shares) - Math.floor((whole * index) / shares)
}

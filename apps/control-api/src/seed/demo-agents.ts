/** The agents of the demo seed: who they are, how much they spend, and how their leases go. Distances in time are from the anchor. */
import { type Microdollars, usd } from '@iron/cost-calculator'
import { SEED_USERS } from '@iron/token-manager/testing'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** A model an agent calls, and how often among its models. */
export interface DemoModel {
  readonly model: string
  readonly provider: 'openai' | 'anthropic'
  readonly weight: number
}

/** How a lease of the demo ends; `open` ones are there at the anchor, `superseded` ones were refreshed. */
export type DemoEnding = 'returned' | 'lapsed' | 'superseded' | 'revoked' | 'open'

/** One agent of the demo. */
export interface DemoAgent {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly ownerId: string
  /** Names of providers, in order of preference. */
  readonly providers: readonly ('openai' | 'anthropic')[]
  /** At first; a budget request may raise it. */
  readonly allocated: Microdollars
  /** What all calls together cost, as near as whole tokens allow. */
  readonly spent: Microdollars
  readonly models: readonly DemoModel[]
  readonly calls: number
  /** Of these calls. */
  readonly failed: number
  /** Of these calls, in the last 12 hours. */
  readonly recent: number
  /** Before the anchor: when the last call that is not recent was made at the latest. */
  readonly untilMs: number
  /** The runtime says what a call cost, instead of leaving it to the price book. */
  readonly reportsCost?: boolean
  /** The last call is so much larger than the others. */
  readonly lastCallFactor?: number
  /** In the order in which they were made; the calls are spread over them evenly. */
  readonly leases: readonly DemoEnding[]
  /** Of these calls, when the last lease has less than its even share. */
  readonly lastLeaseCalls?: number
  /** Calls that are reported after their lease was returned: the last of so many leases, from the second on. */
  readonly lateReports?: number
}

const [admin, developer, viewer] = SEED_USERS.map(({ id }) => id) as [string, string, string]

const agentId = (n: number): string => `agent_01900000-0000-7000-8000-00000000000${String(n)}`
const times = (count: number, ending: DemoEnding): DemoEnding[] => Array.from({ length: count }, () => ending)

const GPT_4O: DemoModel = { model: 'gpt-4o', provider: 'openai', weight: 1 }
const GPT_4O_MINI: DemoModel = { model: 'gpt-4o-mini', provider: 'openai', weight: 1 }
const SONNET: DemoModel = { model: 'claude-sonnet-4-5', provider: 'anthropic', weight: 1 }
const HAIKU: DemoModel = { model: 'claude-haiku-4-5', provider: 'anthropic', weight: 1 }

/** How long before the anchor the recent calls begin. */
export const RECENT_MS = 12 * HOUR_MS

export const DEMO_AGENTS = {
  supportTriage: {
    id: agentId(1),
    name: 'support-triage',
    description: 'Sorts support tickets and drafts the first answer',
    ownerId: developer,
    providers: ['openai', 'anthropic'],
    allocated: usd(25),
    spent: usd('13.333333'),
    models: [
      { ...GPT_4O, weight: 4 },
      { ...GPT_4O_MINI, weight: 2 },
      { ...SONNET, weight: 3 },
      { ...HAIKU, weight: 1 },
    ],
    calls: 400,
    failed: 16,
    recent: 24,
    untilMs: RECENT_MS,
    leases: [...times(6, 'returned'), 'superseded', 'open'],
    lateReports: 3,
  },
  codeReview: {
    id: agentId(2),
    name: 'code-review',
    description: 'Comments on pull requests',
    ownerId: developer,
    providers: ['anthropic'],
    allocated: usd(15),
    spent: usd('12.75'),
    models: [SONNET],
    calls: 250,
    failed: 10,
    recent: 8,
    // Longer before the recent calls than a lease lives: the one in between lapses.
    untilMs: 42 * HOUR_MS,
    leases: [...times(5, 'returned'), 'lapsed', 'open'],
    lastLeaseCalls: 8,
  },
  dataEnrichment: {
    id: agentId(3),
    name: 'data-enrichment',
    description: 'Fills in company records',
    ownerId: developer,
    providers: ['openai'],
    allocated: usd(8),
    spent: usd('8.32'),
    models: [GPT_4O],
    calls: 200,
    failed: 8,
    recent: 0,
    untilMs: 30 * HOUR_MS,
    lastCallFactor: 10,
    leases: times(4, 'returned'),
  },
  nightlyReport: {
    id: agentId(4),
    name: 'nightly-report',
    description: 'Sums up the day',
    ownerId: admin,
    providers: ['openai'],
    allocated: usd(25),
    spent: usd('0.25'),
    models: [GPT_4O_MINI],
    calls: 100,
    failed: 4,
    recent: 0,
    untilMs: 20 * HOUR_MS,
    leases: [...times(3, 'returned'), 'revoked'],
  },
  researchScout: {
    id: agentId(5),
    name: 'research-scout',
    description: 'Reads papers and keeps a digest',
    ownerId: viewer,
    providers: ['anthropic'],
    allocated: usd(5),
    spent: usd('0.75'),
    models: [HAIKU],
    calls: 50,
    failed: 2,
    recent: 4,
    untilMs: RECENT_MS,
    reportsCost: true,
    leases: [...times(2, 'returned'), 'open'],
  },
} as const satisfies Readonly<Record<string, DemoAgent>>

/** How long an agent's lease lives without a report, in milliseconds: the demo's agents hold few leases over two weeks. */
export const DEMO_LEASE_TTL_MS = 24 * HOUR_MS

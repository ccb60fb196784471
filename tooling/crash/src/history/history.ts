/**
 * What clients saw and what is there at the end: all that the rules judge. Nothing here knows how the control API works. Money is
 * in whole microdollars, instants are milliseconds of the clients' one monotonic clock.
 */

/** What a client wants, as it stands in budget-protocol.md and http-api.md. */
export type Intention =
  | { readonly kind: 'grant'; readonly requested: number; readonly replaces: string | undefined }
  | { readonly kind: 'report'; readonly leaseId: string; readonly requestId: string; readonly cost: number }
  | { readonly kind: 'return'; readonly leaseId: string }
  | { readonly kind: 'allocate'; readonly allocated: number; readonly force: boolean }
  | { readonly kind: 'ask'; readonly requested: number }
  | { readonly kind: 'approve'; readonly budgetRequestId: string; readonly allocated: number }
  | { readonly kind: 'reject'; readonly budgetRequestId: string }
  | { readonly kind: 'revoke'; readonly leaseId: string }
  | { readonly kind: 'stop' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'regenerate' }
  | { readonly kind: 'look' }

/** What came of a call. */
export type Outcome =
  /** 2xx: the server says that it is done. */
  | { readonly kind: 'done'; readonly told: Told }
  /** 4xx: the server says that nothing is done. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** The connection broke, or 503: it may be done or not. */
  | { readonly kind: 'unknown' }

/** What an answer said, as far as it said it. */
export interface Told {
  /** A replay of an earlier call. */
  readonly duplicate?: boolean
  readonly leaseId?: string
  readonly granted?: number
  readonly id?: string
  /** By how much the allocation changed. */
  readonly change?: number
  readonly balance?: Balance
}

export interface Balance {
  readonly allocated: number
  readonly spent: number
  readonly reserved: number
  readonly remaining: number
  readonly overdrawn: number
  /** Of the allocation; only some answers tell it. */
  readonly version?: number
}

/** One request and its answer. Repeats of an intention have the same key. */
export interface Call {
  readonly agentId: string
  readonly key: string
  readonly intention: Intention
  /** Which of the agent's IC tokens it carried, counted from 0; undefined: it was an administrator's. */
  readonly token: number | undefined
  readonly startedAt: number
  readonly endedAt: number
  readonly outcome: Outcome
}

/** Rows of a log as one reader saw them, page after page. */
export interface Tail {
  /** An agent's ledger, or the events of all agents. */
  readonly log: { readonly agentId: string } | 'events'
  readonly rows: readonly LogRow[]
}

export interface LogRow {
  readonly seq: number
  /** The whole row, as canonical text. */
  readonly text: string
}

export interface LedgerRow extends LogRow {
  readonly type: 'allocate' | 'deallocate' | 'grant' | 'spend' | 'overrun' | 'release' | 'adjust'
  readonly amount: number
  readonly leaseId: string | null
  readonly requestId: string | null
}

export interface EventRow extends LogRow {
  readonly type: string
  readonly agentId: string
  readonly leaseId: string | null
  readonly requestId: string | null
}

export interface LeaseRow {
  readonly id: string
  readonly status: string
  readonly granted: number
  readonly spent: number
  readonly overrun: number
  readonly returned: number
  readonly supersedes: string | null
}

/** A row of the history of an allocation. */
export interface VersionRow {
  readonly version: number
  readonly previous: number
  readonly allocated: number
  /** The key of the call that gave it, where it could give one. */
  readonly reason: string | null
  readonly budgetRequestId: string | null
}

export interface BudgetRequestRow {
  readonly id: string
  readonly status: string
  /** The key of the call that made it. */
  readonly key: string
}

/** All that is there of an agent when everybody has gone. */
export interface FinalAgent {
  readonly agentId: string
  readonly balance: Balance
  readonly ledger: readonly LedgerRow[]
  readonly leases: readonly LeaseRow[]
  readonly versions: readonly VersionRow[]
  readonly budgetRequests: readonly BudgetRequestRow[]
  /** Request ids of the billed calls in the request log. */
  readonly requests: readonly string[]
  /** How often its IC token was replaced, by the audit log. */
  readonly regenerations: number
}

export interface History {
  readonly calls: readonly Call[]
  readonly tails: readonly Tail[]
  readonly agents: readonly FinalAgent[]
  readonly events: readonly EventRow[]
}

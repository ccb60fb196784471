import type { IdSource } from '@iron/database'
import type { IcTokenManager } from '@iron/ic-token'
import type { ActorRef, AuditLog, EventLog, RequestLog } from '@iron/journal'
import type { AgentBudgetManager, BudgetRequestManager, LeaseManager } from '@iron/lease-manager'
import type { ProviderCatalog, UserService } from '@iron/token-manager'

/** The services an agent is composed of; all work on one database. */
export interface RegistryParts {
  readonly icTokens: IcTokenManager
  readonly users: UserService
  readonly providers: ProviderCatalog
  readonly budgets: AgentBudgetManager
  readonly leases: LeaseManager
  readonly budgetRequests: BudgetRequestManager
  readonly audit: AuditLog
  readonly events: EventLog
  readonly requests: RequestLog
}

/** What a changing operation works with besides its transaction. */
export interface Acting {
  readonly parts: RegistryParts
  readonly ids: IdSource
  readonly actor: ActorRef
  /** Epoch ms. */
  readonly now: number
}

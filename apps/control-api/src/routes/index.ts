import type { RouteDefinition } from '../http/route.ts'
import { agentBudgetRoutes } from './agent-budget.ts'
import { agentCredentialRoutes } from './agent-credentials.ts'
import { agentLeaseRoutes } from './agent-leases.ts'
import { agentLedgerRoutes } from './agent-ledger.ts'
import { agentMetricsRoutes } from './agent-metrics.ts'
import { agentProviderRoutes } from './agent-providers.ts'
import { agentRoutes } from './agents.ts'
import { agentStateRoutes } from './agent-state.ts'
import { analyticsEventRoutes } from './analytics-events.ts'
import { analyticsRoutes } from './analytics.ts'
import { auditRoutes } from './audit.ts'
import { authRoutes } from './auth.ts'
import { budgetRequestRoutes } from './budget-requests.ts'
import { budgetRoutes } from './budget.ts'
import { eventRoutes } from './events.ts'
import { limitRoutes } from './limits.ts'
import { metricsRoutes } from './metrics.ts'
import { providerKeyRoutes } from './provider-keys.ts'
import { providerRoutes } from './providers.ts'
import { referenceRoutes } from './reference.ts'
import { requestRoutes } from './requests.ts'
import { serviceRoutes } from './service.ts'
import { socketRoutes } from './socket.ts'
import { tokenRoutes } from './tokens.ts'
import { traceRoutes } from './traces.ts'
import { usageRoutes } from './usage.ts'
import { userRoutes } from './users.ts'

/** The document of every endpoint, and its page: may be switched off. */
const reference = referenceRoutes(() => routes)

/** Every endpoint. Validation, authorisation, the OpenAPI document and the tests that try every refusal come from this table. */
export const routes: readonly RouteDefinition[] = [
  ...serviceRoutes,
  ...reference,
  ...socketRoutes,
  ...metricsRoutes,
  ...authRoutes,
  ...userRoutes,
  ...tokenRoutes,
  ...agentRoutes,
  ...agentStateRoutes,
  ...agentMetricsRoutes,
  ...agentCredentialRoutes,
  ...agentProviderRoutes,
  ...agentBudgetRoutes,
  ...agentLedgerRoutes,
  ...agentLeaseRoutes,
  ...budgetRoutes,
  ...budgetRequestRoutes,
  ...providerRoutes,
  ...providerKeyRoutes,
  ...limitRoutes,
  ...usageRoutes,
  ...analyticsRoutes,
  ...analyticsEventRoutes,
  ...requestRoutes,
  ...traceRoutes,
  ...eventRoutes,
  ...auditRoutes,
]

/** The endpoints of a server without documents (`IRON_DOCS=off`). */
export const routesWithoutReference = routes.filter((route) => !reference.includes(route))

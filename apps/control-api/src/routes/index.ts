import type { RouteDefinition } from '../http/route.ts'
import { agentRoutes } from './agents.ts'
import { authRoutes } from './auth.ts'
import { budgetRoutes } from './budget.ts'
import { providerRoutes } from './providers.ts'
import { serviceRoutes } from './service.ts'

/** Every endpoint. Validation, authorisation and the tests that try every refusal come from this table. */
export const routes: readonly RouteDefinition[] = [
  ...serviceRoutes,
  ...authRoutes,
  ...agentRoutes,
  ...budgetRoutes,
  ...providerRoutes,
]

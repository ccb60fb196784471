import type { Permission, Role } from '@iron/rbac'

/** Credentials as http-api 3.2 abbreviates them: user session, API token, IC token. */
export type Kind = 'U' | 'T' | 'I'

/** What a route takes and asks for, written by hand from http-api 3.2 and the column "Who" of section 4. */
export interface Expectation {
  readonly takes: 'nothing' | 'password' | 'refresh token' | readonly Kind[]
  readonly needs?: readonly Permission[]
  readonly agentNeeds?: 'llm:call' | 'analytics:write'
  /** What another user's row answers; absent: the route names no row of a user. */
  readonly foreign?: string
}

const UT = ['U', 'T'] as const
const U = ['U'] as const
const open: Expectation = { takes: 'nothing' }
const own: Expectation = { takes: U }
const users: Expectation = { takes: UT, needs: ['users:manage'] }
const grant: Expectation = { takes: ['I'], agentNeeds: 'llm:call' }
const telemetry: Expectation = { takes: ['I'], agentNeeds: 'analytics:write' }
const who = (needs: Permission, foreign?: string): Expectation => ({
  takes: UT,
  needs: [needs],
  ...(foreign === undefined ? {} : { foreign }),
})
const agent = (needs: Permission): Expectation => who(needs, 'AGENT_NOT_FOUND')

/** Every route of the server and nothing else; a new route without a line here fails the test. */
export const MATRIX: Readonly<Record<string, Expectation>> = {
  'GET /health': open,
  'GET /ready': open,
  'GET /version': open,
  'GET /openapi.json': open,
  'GET /docs': open,
  'GET /docs/start.js': open,
  'GET /docs/swagger-ui.css': open,
  'GET /docs/swagger-ui.js': open,
  'GET /ws': open,
  'GET /metrics': { takes: UT, needs: ['audit:read'] },
  'POST /auth/login': { takes: 'password' },
  'POST /auth/refresh': { takes: 'refresh token' },
  'GET /auth/verify': { takes: ['U', 'T', 'I'] },
  'GET /auth/me': { takes: UT },
  'PATCH /auth/me': own,
  'POST /auth/password': own,
  'POST /auth/logout': own,
  'GET /auth/sessions': own,
  'DELETE /auth/sessions/{id}': { takes: U, foreign: 'SESSION_NOT_FOUND' },
  'DELETE /auth/sessions': own,
  'POST /users': users,
  'GET /users': users,
  'GET /users/{id}': users,
  'PATCH /users/{id}': users,
  'PUT /users/{id}/suspend': users,
  'PUT /users/{id}/activate': users,
  'PUT /users/{id}/unlock': users,
  'PUT /users/{id}/role': users,
  'POST /users/{id}/reset-password': { takes: U, needs: ['users:manage'] },
  'DELETE /users/{id}': users,
  'GET /users/{id}/sessions': users,
  'DELETE /users/{id}/sessions': users,
  'GET /users/{id}/audit': users,
  'POST /tokens': { takes: U, needs: ['tokens:write'] },
  'GET /tokens': who('tokens:write'),
  'GET /tokens/{id}': who('tokens:write', 'TOKEN_NOT_FOUND'),
  'PATCH /tokens/{id}': { takes: U, needs: ['tokens:write'], foreign: 'TOKEN_NOT_FOUND' },
  'POST /tokens/{id}/rotate': { takes: U, needs: ['tokens:write'], foreign: 'TOKEN_NOT_FOUND' },
  'DELETE /tokens/{id}': who('tokens:write', 'TOKEN_NOT_FOUND'),
  'POST /agents': { takes: UT, needs: ['agents:write', 'tokens:write'] },
  'GET /agents': who('agents:read'),
  'GET /agents/{id}': agent('agents:read'),
  'PATCH /agents/{id}': agent('agents:write'),
  'DELETE /agents/{id}': agent('agents:write'),
  'GET /agents/{id}/status': agent('agents:read'),
  'GET /agents/{id}/metrics': agent('metrics:read'),
  'POST /agents/{id}/stop': agent('agents:stop'),
  'POST /agents/{id}/resume': agent('agents:stop'),
  'POST /agents/{id}/state': { takes: ['I'] },
  'POST /agents/{id}/heartbeat': { takes: ['I'] },
  'GET /agents/{id}/ic-token': agent('tokens:write'),
  'POST /agents/{id}/ic-token': agent('tokens:write'),
  'POST /agents/{id}/ic-token/regenerate': agent('tokens:write'),
  'DELETE /agents/{id}/ic-token': agent('tokens:write'),
  'GET /agents/{id}/providers': agent('agents:read'),
  'PUT /agents/{id}/providers': agent('agents:write'),
  'DELETE /agents/{id}/providers/{provider_id}': agent('agents:write'),
  'GET /agents/{id}/budget': agent('agents:read'),
  'PUT /agents/{id}/budget': who('budgets:allocate'),
  'POST /agents/{id}/budget/adjustments': who('budgets:allocate'),
  'GET /agents/{id}/budget/history': agent('agents:read'),
  'GET /agents/{id}/budget/verify': who('audit:read'),
  'GET /agents/{id}/leases': agent('agents:read'),
  'GET /agents/{id}/leases/{lease_id}': agent('agents:read'),
  'POST /agents/{id}/leases/{lease_id}/revoke': agent('agents:stop'),
  'GET /agents/{id}/ledger': agent('agents:read'),
  'GET /agents/{id}/ledger/balances': agent('agents:read'),
  'POST /budget/handshake': grant,
  'POST /budget/reserve': grant,
  'POST /budget/report': grant,
  'POST /budget/report/batch': grant,
  'POST /budget/refresh': grant,
  'POST /budget/return': grant,
  'GET /budget': { takes: ['U', 'T', 'I'], needs: ['agents:read'] },
  'POST /budget-requests': who('budgets:request'),
  'GET /budget-requests': who('budgets:request'),
  'GET /budget-requests/{id}': who('budgets:request', 'BUDGET_REQUEST_NOT_FOUND'),
  'PUT /budget-requests/{id}/approve': who('budgets:allocate'),
  'PUT /budget-requests/{id}/reject': who('budgets:allocate'),
  'DELETE /budget-requests/{id}': who('budgets:request', 'BUDGET_REQUEST_NOT_FOUND'),
  'POST /providers': who('providers:manage'),
  'GET /providers': who('providers:read'),
  'GET /providers/{id}': who('providers:read'),
  'PATCH /providers/{id}': who('providers:manage'),
  'DELETE /providers/{id}': who('providers:manage'),
  'POST /providers/{id}/keys': who('providers:manage'),
  'POST /providers/{id}/keys/rotate': who('providers:manage'),
  'GET /providers/{id}/keys': who('providers:manage'),
  'GET /keys': who('providers:manage'),
  'GET /keys/{id}': who('providers:manage'),
  'PUT /keys/{id}/retire': who('providers:manage'),
  'GET /limits': who('limits:read'),
  'GET /limits/{id}': who('limits:read', 'LIMIT_NOT_FOUND'),
  'POST /limits': who('limits:manage'),
  'PATCH /limits/{id}': who('limits:manage'),
  'DELETE /limits/{id}': who('limits:manage'),
  'GET /usage': who('metrics:read'),
  'POST /usage': { takes: ['T'] },
  'POST /usage/check': { takes: ['T'] },
  'GET /analytics': who('metrics:read'),
  'GET /analytics/spending/total': who('metrics:read'),
  'GET /analytics/spending/by-agent': who('metrics:read'),
  'GET /analytics/spending/by-provider': who('metrics:read'),
  'GET /analytics/spending/avg-per-request': who('metrics:read'),
  'GET /analytics/usage/requests': who('metrics:read'),
  'GET /analytics/usage/tokens/by-agent': who('metrics:read'),
  'GET /analytics/usage/models': who('metrics:read'),
  'GET /analytics/budget/status': who('metrics:read'),
  'GET /analytics/timeseries': who('metrics:read'),
  'POST /analytics/events': telemetry,
  'GET /requests': who('metrics:read'),
  'GET /requests/{id}': who('metrics:read', 'REQUEST_NOT_FOUND'),
  'POST /traces': telemetry,
  'GET /traces': who('metrics:read'),
  'GET /traces/{trace_id}': who('metrics:read', 'TRACE_NOT_FOUND'),
  'GET /events': who('events:read'),
  'GET /audit': who('audit:read'),
  'GET /audit/verify': who('audit:read'),
  'GET /audit/{id}': who('audit:read'),
}

/** The table of http-api 3.1: who holds what, and on whose rows. */
export const GRANTS: Readonly<Record<Role, Readonly<Partial<Record<Permission, 'own' | 'any'>>>>> = {
  viewer: {
    'agents:read': 'own',
    'metrics:read': 'own',
    'providers:read': 'any',
    'limits:read': 'own',
    'events:read': 'own',
  },
  user: {
    'agents:read': 'own',
    'agents:write': 'own',
    'agents:stop': 'own',
    'metrics:read': 'own',
    'tokens:write': 'own',
    'providers:read': 'any',
    'budgets:request': 'own',
    'limits:read': 'own',
    'events:read': 'own',
  },
  admin: {
    'agents:read': 'any',
    'agents:write': 'any',
    'agents:stop': 'any',
    'metrics:read': 'any',
    'tokens:write': 'any',
    'users:manage': 'any',
    'providers:read': 'any',
    'providers:manage': 'any',
    'budgets:request': 'any',
    'budgets:allocate': 'any',
    'limits:read': 'any',
    'limits:manage': 'any',
    'audit:read': 'any',
    'events:read': 'any',
  },
}

/** What may be called while the password must be changed (http-api 4.1). */
export const WHILE_PENDING = [
  'POST /auth/password',
  'GET /auth/verify',
  'GET /auth/me',
  'POST /auth/refresh',
  'POST /auth/logout',
]

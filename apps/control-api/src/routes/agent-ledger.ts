import {
  balancesAnswer,
  balancesAtShape,
  ledgerEntryAnswer,
  ledgerEntryShape,
  ledgerFaultAnswer,
  ledgerVerificationShape,
} from '../answers/lease.ts'
import { isoTime } from '../answers/scalars.ts'
import { logOfShape } from '../answers/list.ts'
import { defineRoute } from '../http/route.ts'
import { cursor, id, object, optional, time } from '../http/schemas.ts'
import { knownAgent, ofAgent } from './agent-param.ts'
import { cursorOf, logAnswer } from './lists.ts'

export const agentLedgerRoutes = [
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/budget/verify',
    permission: 'audit:read',
    rateLimit: 'analytics',
    audit: [],
    summary: 'Recompute every balance of an agent from its ledger',
    answers: { 200: ledgerVerificationShape },
    handler: async ({ services, params }) => {
      const agentId = await knownAgent(services, params)
      const faults = await services.ledger.verify({ agentId })
      const differences = faults.map(ledgerFaultAnswer)
      return { body: { agent_id: agentId, consistent: faults.length === 0, differences } }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/ledger',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: "An agent's ledger",
    query: object({ ...cursor, lease_id: optional(id('lease')) }),
    answers: { 200: logOfShape(ledgerEntryShape) },
    handler: async ({ services, params, query }) => {
      const filter = { agentId: await knownAgent(services, params), leaseId: query.lease_id }
      return { body: logAnswer(await services.ledger.list(filter, cursorOf(query)), ledgerEntryAnswer) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/ledger/balances',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: 'Get balances at an instant, from the ledger',
    query: object({ at: optional(time()) }),
    answers: { 200: balancesAtShape },
    handler: async ({ services, params, query }) => {
      const agentId = await knownAgent(services, params)
      const at = query.at === undefined ? services.database.clock.now() : Date.parse(query.at)
      const balances = await services.ledger.balancesAt(agentId, at)
      return { body: { agent_id: agentId, at: isoTime(at), ...balancesAnswer(balances) } }
    },
  }),
]

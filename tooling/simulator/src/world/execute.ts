/** Runs a command on a server and says how it ended, in the words of the model. */
import type { AgentPrincipal } from '@iron/agent-registry'
import type { Microdollars } from '@iron/cost-calculator'
import { isIronError } from '@iron/database'
import type { BatchItem, Budget, Counted } from '@iron/lease-manager'
import type { LeaseGrant, ReportAnswer } from '@iron/budget-protocol'
import type { Answer, Call, Message, Order, Outcome } from '../commands.ts'
import { DAY } from '../rules.ts'
import type { Server } from './server.ts'

/** Refusals are answers here; whatever else is thrown is not. */
export async function outcomeOf(run: Promise<Answer>): Promise<Outcome> {
  try {
    return { answer: await run }
  } catch (error) {
    if (isIronError(error) && !error.retryable) return { refused: error.code }
    throw error
  }
}

/** The principal of a token, or the code it is refused with. */
export async function authenticate(server: Server, token: string): Promise<AgentPrincipal | string> {
  const answer = await server.registry.authenticate(token, { permission: 'llm:call', isSignOfLife: false })
  return answer.outcome === 'ok' ? answer.principal : answer.code
}

export async function send(server: Server, agent: AgentPrincipal, message: Message): Promise<Answer> {
  const { protocol, requests } = server
  switch (message.kind) {
    case 'open': {
      const { key: idempotencyKey, withKey } = message
      const request = { requested: message.requested as Microdollars, idempotencyKey }
      return grantAnswer(await (withKey ? protocol.handshake(agent, request) : protocol.reserve(agent, request)))
    }
    case 'refresh': {
      const request = { requested: message.requested as Microdollars, idempotencyKey: message.key }
      return grantAnswer(await protocol.refresh(agent, message.leaseId, request))
    }
    case 'report':
      return reportAnswer(await protocol.report(agent, message.call.leaseId, reportOf(message.call)))
    case 'batch': {
      const items = message.calls.map((call) => ({ leaseId: call.leaseId, report: reportOf(call) }))
      return { items: (await protocol.reportBatch(agent, items)).map(itemAnswer) }
    }
    case 'return': {
      const result = await protocol.returnLease(agent, message.leaseId, { spent: message.claim as Microdollars })
      const { spent, unreported, returned, status, duplicate, budget, desiredState } = result
      return { spent, unreported, returned, status, duplicate, ...standing(budget, desiredState) }
    }
    case 'telemetry': {
      const { requestId, tokens } = message.call
      const call = { requestId, model: 'gpt-4o', usage: { input: tokens } }
      await requests.ingest(agent.agentId, [
        { eventId: message.eventId, at: server.db.clock.now(), type: 'request.completed', call },
      ])
      return {}
    }
  }
}

export async function obey(server: Server, order: Order): Promise<Answer> {
  const { adminId, registry, budgets, budgetRequests, leases, users, limits, requests, db } = server
  switch (order.kind) {
    case 'stop': {
      const { changed, leasesRevoked } = await registry.stop(order.agentId, adminId)
      return { changed, revoked: [...leasesRevoked].sort() }
    }
    case 'resume':
      return { changed: (await registry.resume(order.agentId, adminId)).changed }
    case 'archive':
      return { revoked: [...(await registry.archive(order.agentId, adminId)).leasesRevoked].sort() }
    case 'rotate':
      return { token: (await registry.regenerateIcToken(order.agentId, adminId)).token }
    case 'issue':
      return { token: (await registry.issueIcToken(order.agentId, adminId)).token }
    case 'untoken':
      return { revoked: await registry.revokeIcToken(order.agentId, adminId) }
    case 'suspend':
      await users.suspendUser(order.ownerId, adminId)
      return {}
    case 'activate':
      await users.activateUser(order.ownerId, adminId)
      return {}
    case 'move':
      await registry.update(order.agentId, { ownerId: order.ownerId }, adminId)
      return {}
    case 'allocate': {
      const { agentId, amount, force } = order
      const change = await budgets.setAllocation(agentId, amount as Microdollars, adminId, { force })
      return { changed: change.changed, revoked: [...change.leasesRevoked].sort(), balance: balanceOf(change.budget) }
    }
    case 'credit':
    case 'charge': {
      const { agentId, kind, amount } = order
      const { budget } = await budgets.adjust(agentId, kind, amount as Microdollars, 'corrected', adminId)
      return { balance: balanceOf(budget) }
    }
    case 'revoke':
      await leases.revoke(order.leaseId, adminId, { agentId: order.agentId })
      return {}
    case 'ask': {
      const { agentId, ownerId: requesterId, amount } = order
      const asked = { agentId, requesterId, requestedAllocated: amount as Microdollars, justification: WORDS }
      return { id: (await budgetRequests.create(asked, requesterId)).id }
    }
    case 'approve':
      await registry.approveBudgetRequest(order.requestId, adminId)
      return {}
    case 'reject':
      await budgetRequests.reject(order.requestId, WORDS, adminId)
      return {}
    case 'cancel':
      await budgetRequests.cancel(order.requestId, adminId)
      return {}
    case 'limit': {
      const { tokensPerDay, requestsPerMinute, costPerMonth } = order.maxima
      const maxima = {
        maxTokensPerDay: tokensPerDay,
        maxRequestsPerMinute: requestsPerMinute,
        maxCostPerMonth: costPerMonth as Microdollars | null,
      }
      const [known] = (await limits.list({ ownerId: order.ownerId })).data
      if (known === undefined) await limits.create({ ownerId: order.ownerId, ...maxima }, adminId)
      else await limits.update(known.id, maxima, adminId)
      return {}
    }
    case 'sweep':
      await leases.sweep()
      return {}
    case 'prune':
      await requests.rollUp()
      await requests.prune({ olderThan: db.clock.now() - KEPT_MS })
      return {}
  }
}

/** The youngest request rows that pruning may take (data-model 6). */
const KEPT_MS = 60 * DAY
/** Long enough for a justification and for the notes of a rejection. */
const WORDS = 'said for the twentieth time'

function reportOf({ requestId, cost, tokens }: Call) {
  return { requestId, model: 'gpt-4o', cost: cost as Microdollars, usage: { input: tokens } }
}

function grantAnswer(grant: LeaseGrant): Answer {
  const { lease, partial, duplicate, ipToken, budget, desiredState } = grant
  const { id, granted, expiresAt } = lease
  const sealed = ipToken !== null
  return { lease: id, granted, partial, expiresAt, sealed, duplicate, ...standing(budget, desiredState) }
}

function reportAnswer(result: ReportAnswer & { readonly counted: Counted }): Answer {
  const { lease, cost, late, overrun, duplicate, overBudget, budget, desiredState } = result
  return { lease: lease.id, cost, late, overrun, duplicate, overBudget, ...standing(budget, desiredState) }
}

function itemAnswer(item: BatchItem<ReportAnswer>): Answer | string {
  return item.ok ? reportAnswer(item.result) : item.error.code
}

function standing(budget: Budget, desired: string): Answer {
  return { balance: balanceOf(budget), desired }
}

function balanceOf({ allocated, reserved, spent }: Budget): readonly number[] {
  return [allocated, reserved, spent]
}

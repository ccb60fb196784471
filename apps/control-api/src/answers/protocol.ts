import type { LeaseGrant, ReportAnswer, ReturnAnswer } from '@iron/budget-protocol'
import { toUsd } from '@iron/cost-calculator'
import type { BatchItem, Lease } from '@iron/lease-manager'
import { balanceAnswer } from './budget.ts'
import { isoTime } from './scalars.ts'

/** What a handshake, reserve or refresh answers (http-api 4.9.3). */
export function grantAnswer(grant: LeaseGrant) {
  const { lease, provider } = grant
  return {
    lease_id: lease.id,
    agent_id: lease.agentId,
    budget_id: grant.budget.budgetId,
    requested_usd: toUsd(lease.requested),
    granted_usd: toUsd(lease.granted),
    partial: grant.partial,
    expires_at: isoTime(lease.expiresAt),
    ttl_seconds: Math.ceil(grant.ttlMs / 1_000),
    ...(provider === null
      ? {}
      : {
          provider: {
            id: provider.id,
            name: provider.name,
            kind: provider.kind,
            base_url: provider.baseUrl,
            models: provider.models,
          },
          ip_token: grant.ipToken,
        }),
    duplicate: grant.duplicate,
    desired_state: grant.desiredState,
    budget: balanceAnswer(grant.budget),
  }
}

/** What a refresh answers (http-api 4.9.7). */
export function refreshAnswer(grant: LeaseGrant & { readonly previous: Lease }) {
  const { previous } = grant
  return {
    ...grantAnswer(grant),
    previous_lease: {
      id: previous.id,
      status: previous.status,
      spent_usd: toUsd(previous.spent),
      returned_usd: toUsd(previous.returned),
    },
  }
}

/** What a report answers (http-api 4.9.5). */
export function reportAnswer(answer: ReportAnswer) {
  const { lease } = answer
  return {
    request_id: answer.requestId,
    lease_id: lease.id,
    cost_usd: toUsd(answer.cost),
    pricing: answer.pricing,
    duplicate: answer.duplicate,
    late: answer.late,
    overrun_usd: toUsd(answer.overrun),
    over_budget: answer.overBudget,
    lease: {
      status: lease.status,
      granted_usd: toUsd(lease.granted),
      spent_usd: toUsd(lease.spent),
      remaining_usd: toUsd(lease.remaining),
      expires_at: isoTime(lease.expiresAt),
    },
    desired_state: answer.desiredState,
    budget: balanceAnswer(answer.budget),
  }
}

/**
 * What a batch answers (http-api 4.9.6).
 *
 * @param requestIds of the items, in order
 * @param errorOf the wire form of an item's error
 */
export function batchAnswer(
  items: readonly BatchItem<ReportAnswer>[],
  requestIds: readonly (string | null)[],
  errorOf: (error: { code: string; message: string; details: Readonly<Record<string, unknown>> }) => object,
) {
  let recorded = 0
  let duplicates = 0
  const results = items.map((item, index) => {
    const place = { index, request_id: requestIds[index] ?? null }
    if (!item.ok) return { ...place, status: 'error', ...errorOf(item.error) }
    if (item.result.duplicate) duplicates += 1
    else recorded += 1
    return { ...place, status: item.result.duplicate ? 'duplicate' : 'recorded', ...reportAnswer(item.result) }
  })
  return { recorded, duplicates, failed: items.length - recorded - duplicates, results }
}

/** What a return answers (http-api 4.9.8). */
export function returnAnswer(answer: ReturnAnswer) {
  return {
    lease_id: answer.lease.id,
    status: answer.status,
    spent_usd: toUsd(answer.spent),
    returned_usd: toUsd(answer.returned),
    unreported_usd: toUsd(answer.unreported),
    duplicate: answer.duplicate,
    desired_state: answer.desiredState,
    budget: balanceAnswer(answer.budget),
  }
}

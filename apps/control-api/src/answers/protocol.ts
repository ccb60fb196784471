import type { LeaseGrant, ReportAnswer, ReturnAnswer } from '@iron/budget-protocol'
import { toUsd } from '@iron/cost-calculator'
import type { BatchItem, Lease } from '@iron/lease-manager'
import { id, nullable, oneOf, optional, time, Type } from '../http/schemas.ts'
import { desiredState } from './agent.ts'
import { itemErrorFields } from './batch.ts'
import { balanceAnswer, balanceShape } from './budget.ts'
import { leaseStatus } from './lease.ts'
import { providerAccessShape } from './provider.ts'
import { isoTime } from './scalars.ts'
import { always, component, dollars, flag, list, shape, type Shaped, shown, usuallyAs, whole } from './shape.ts'

export const pricing = oneOf('price_book', 'reported', 'ceiling')

const grantFields = {
  lease_id: id('lease'),
  agent_id: id('agent'),
  budget_id: id('budget'),
  requested_usd: dollars(20),
  granted_usd: dollars(20),
  partial: flag(false),
  expires_at: time(),
  ttl_seconds: whole(3_600),
}
const grantEndFields = { duplicate: flag(false), desired_state: desiredState, budget: balanceShape }
const accessFields = {
  provider: providerAccessShape,
  ip_token: shown('AES256:3q2+7wABAgMEBQYH:c2VhbGVkIHByb3ZpZGVyIGtleQ==:AAECAwQFBgcICQoLDA0ODw=='),
}

/** A lease with the sealed key of a provider. */
export const handshakeShape = component('Handshake', { ...grantFields, ...accessFields, ...grantEndFields })

/** A lease without a key. */
export const reservationShape = component('Reservation', { ...grantFields, ...grantEndFields })

/** A lease that takes over from another; it has a key if the other had one. */
export const refreshShape = component('Refresh', {
  ...grantFields,
  provider: optional(accessFields.provider),
  ip_token: optional(accessFields.ip_token),
  ...grantEndFields,
  previous_lease: shape({
    id: id('lease'),
    status: always('superseded'),
    spent_usd: dollars(4.5),
    returned_usd: dollars(5.5),
  }),
})

/** A lease, with a key or without. */
type Grant = Shaped<typeof reservationShape> & Partial<Pick<Shaped<typeof handshakeShape>, keyof typeof accessFields>>

const reportFields = {
  request_id: shown('call-2'),
  lease_id: id('lease'),
  cost_usd: dollars(1.5),
  pricing,
  duplicate: flag(false),
  late: flag(false),
  overrun_usd: dollars(0),
  over_budget: flag(false),
  lease: component('LeaseStanding', {
    status: leaseStatus,
    granted_usd: dollars(20),
    spent_usd: dollars(1.5),
    remaining_usd: dollars(18.5),
    expires_at: time(),
  }),
  desired_state: desiredState,
  budget: balanceShape,
}

export const reportShape = component('ReportAnswer', reportFields)

export const batchShape = component('BatchAnswer', {
  recorded: whole(1),
  duplicates: whole(0),
  failed: whole(0),
  results: list(
    Type.Union([
      component('BatchItemRecorded', { index: whole(0), status: oneOf('recorded', 'duplicate'), ...reportFields }),
      component('BatchItemRefused', {
        index: whole(0),
        request_id: nullable(shown('call-2')),
        status: always('error'),
        error: shown('Validation failed'),
        code: shown('VALIDATION_ERROR'),
        details: itemErrorFields.details,
      }),
    ]),
  ),
})

export const returnShape = component('ReturnAnswer', {
  lease_id: id('lease'),
  status: usuallyAs('closed', leaseStatus),
  spent_usd: dollars(4.5),
  returned_usd: dollars(5.5),
  unreported_usd: dollars(0),
  duplicate: flag(false),
  desired_state: desiredState,
  budget: balanceShape,
})

/** What a handshake, reserve or refresh answers (http-api 4.9.3). */
export function grantAnswer(grant: LeaseGrant): Grant {
  const { lease, provider, ipToken } = grant
  return {
    lease_id: lease.id,
    agent_id: lease.agentId,
    budget_id: grant.budget.budgetId,
    requested_usd: toUsd(lease.requested),
    granted_usd: toUsd(lease.granted),
    partial: grant.partial,
    expires_at: isoTime(lease.expiresAt),
    ttl_seconds: Math.ceil(grant.ttlMs / 1_000),
    ...(provider === null || ipToken === null
      ? {}
      : {
          provider: {
            id: provider.id,
            name: provider.name,
            kind: provider.kind,
            base_url: provider.baseUrl,
            models: provider.models,
          },
          ip_token: ipToken,
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
export function reportAnswer(answer: ReportAnswer): Shaped<typeof reportShape> {
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
export function returnAnswer(answer: ReturnAnswer): Shaped<typeof returnShape> {
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

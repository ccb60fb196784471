import type { LeaseState } from '../../src/index.ts'

/** A lease with everything a test does not care about; amounts in microdollars. */
export function leaseFixture(
  change: { readonly [K in keyof LeaseState]?: LeaseState[K] extends number ? number : LeaseState[K] } = {},
): LeaseState {
  return {
    id: 'lease-1',
    agentId: 'agent-1',
    providerId: null,
    runtimeId: null,
    idempotencyKey: null,
    stored: 'active',
    closeReason: null,
    supersedes: null,
    supersededBy: null,
    requested: 10,
    granted: 10,
    spent: 0,
    released: 0,
    overrun: 0,
    unreported: 0,
    createdAt: 0,
    expiresAt: 1_000,
    closedAt: null,
    returnedAt: null,
    returnSpent: null,
    ...change,
  } as LeaseState
}

/** The defects of budget protocol 16 that the simulator must find, each as a change of the code that has it. */
import type { Patch } from './plant.ts'

/** A planted defect. */
export interface Defect {
  readonly name: string
  /** In the words of budget protocol 16, or of the classic. */
  readonly about: string
  /** A seed that finds it, and finds nothing without it. */
  readonly seed: number
  readonly patches: readonly Patch[]
}

const LEASE = 'packages/lease-manager/src/lease/'
const LEDGER = 'packages/lease-manager/src/ledger/'
const BUDGET = 'packages/lease-manager/src/budget/'
const REQUESTS = 'packages/journal/src/requests/'

function defect(
  name: string,
  about: string,
  seed: number,
  ...patches: [file: string, find: string, replace: string][]
): Defect {
  return { name, about, seed, patches: patches.map(([file, find, replace]) => ({ file, find, replace })) }
}

export const defects: readonly Defect[] = [
  defect('charged-twice', 'grant counted again when reported', 1, [
    `${LEASE}decide-report.ts`,
    'const spend = smaller(cost, holdOf(lease))',
    'const spend = ZERO',
  ]),
  defect('client-refunds', 'return trusts the client', 126, [
    `${LEASE}return-lease.ts`,
    'spent: plus(lease.spent, spend),',
    'spent: isOpen(lease) && options.spent !== undefined && options.spent < lease.spent ? options.spent : plus(lease.spent, spend),',
  ]),
  defect('duplicate-charged', 'duplicate charged: idempotency forgotten', 1, [
    `${LEASE}report.ts`,
    '  if (duplicate) return undefined\n',
    '',
  ]),
  defect(
    'telemetry-is-duplicate',
    'telemetry row taken for a duplicate',
    1,
    [`${REQUESTS}find-billed.ts`, ' AND request_id = :requestId AND billed = 1', ' AND request_id = :requestId'],
    [
      `${REQUESTS}find-billed.ts`,
      'if (row.payload_hash === hash) return',
      'if (row.payload_hash === hash || row.payload_hash === null) return',
    ],
  ),
  defect(
    'checked-outside',
    'check outside the write: check, then update without a condition',
    13,
    [
      'packages/budget-protocol/src/budget-protocol.ts',
      `    this.#checkGrant(request)
    return this.#grant(agent, async (tx) => {
      const standing = await this.#admit(tx, agent)
      const replayed = await this.#replay(tx, agent, request, { withKey: false, standing })`,
      `    this.#checkGrant(request)
    agent = { ...agent, room: await this.#limits.room(agent.ownerId) } as AgentPrincipal
    return this.#grant(agent, async (tx) => {
      const standing = await this.#admit(tx, agent)
      const replayed = await this.#replay(tx, agent, request, { withKey: false, standing })`,
    ],
    [
      'packages/budget-protocol/src/budget-protocol.ts',
      '        room,\n        leaseId',
      '        room: (agent as unknown as { room?: LimitRoom }).room ?? room,\n        leaseId',
    ],
  ),
  defect('late-cost-dropped', 'late cost dropped', 1, [
    `${LEASE}decide-report.ts`,
    'overrun: rest(cost, itemised), itemised, late: true',
    'overrun: ZERO, itemised, late: true',
  ]),
  defect('oversized-cost-dropped', 'oversized cost dropped', 3, [
    `${LEASE}decide-report.ts`,
    'overrun: rest(cost, spend), itemised: ZERO, late,',
    'overrun: ZERO, itemised: ZERO, late,',
  ]),
  defect('refresh-keeps-hold', 'hold not released on refresh', 2, [
    `${LEASE}end-lease.ts`,
    'const release = holdOf(settled)',
    "const release = ending.closeReason === 'superseded' ? (0 as typeof lease.spent) : holdOf(settled)",
  ]),
  defect('no-sweeper', 'no sweeper', 1, [
    `${LEASE}sweep-leases.ts`,
    'for (const agentId of agents) {',
    'for (const agentId of agents.slice(agents.length)) {',
  ]),
  defect('sweep-without-grace', 'sweep without grace', 4, [
    `${LEASE}decide-overdue.ts`,
    'lapsedUpTo: now - times.graceMs',
    'lapsedUpTo: now',
  ]),
  defect('final-hold-charged', 'hold of a final lease charged', 1, [
    `${LEASE}decide-report.ts`,
    'return { spend: ZERO, overrun: rest(cost, itemised), itemised,',
    'const late = smaller(rest(cost, itemised), lease.released)\n    return { spend: late, overrun: rest(rest(cost, itemised), late), itemised,',
  ]),
  defect('far-expiry-kept', 'far-future expiry not cut', 16, [
    `${LEASE}decide-overdue.ts`,
    "if (times.ttlMs !== undefined && lease.expiresAt > cutAbove) return { outcome: 'cut'",
    "if (times.ttlMs === 0 && lease.expiresAt > cutAbove) return { outcome: 'cut'",
  ]),
  defect('not-itemised', 'no itemising after return', 3, [
    `${LEASE}decide-report.ts`,
    'const itemised = smaller(cost, lease.unreported)',
    'const itemised = smaller(cost, ZERO)',
  ]),
  defect('mark-lost', 'threshold mark lost', 7, [
    `${LEDGER}post.ts`,
    'return { crossed: [], mark: before.mark }',
    'return { crossed: [], mark: 0 }',
  ]),
  defect(
    'threshold-by-reading',
    'threshold by reading the balance instead of by the ledger',
    1636,
    [
      `${LEDGER}post.ts`,
      'return crossedBySpending(after, before.mark)',
      'return crossedBySpending(after, highestMet(before))',
    ],
    [`${LEDGER}post.ts`, '  crossedBySpending,\n', '  crossedBySpending,\n  highestMet,\n'],
  ),
  defect('raise-fires', 'raise fires a threshold', 130, [
    `${BUDGET}threshold.ts`,
    'if (after.allocated >= before.allocated) return { crossed: [], mark: highestMet(after) }',
    'if (after.allocated >= before.allocated) return announceAbove(after, 0)',
  ]),
  defect('pruned-forgotten', 'pruned request forgotten', 18, [
    `${REQUESTS}prune.ts`,
    '  await keepKeys.run(tx, step)\n',
    '',
  ]),
  defect(
    'pruned-payload-forgotten',
    'payload of a pruned request forgotten',
    1774,
    [
      `${REQUESTS}find-billed.ts`,
      'SELECT ${columns} FROM request_keys',
      "SELECT id, '' AS payload_hash, lease_id, cost_micros, overrun_micros, pricing, late FROM request_keys",
    ],
    [
      `${REQUESTS}find-billed.ts`,
      'if (row.payload_hash === hash) return',
      "if (row.payload_hash === hash || row.payload_hash === '') return",
    ],
  ),
  defect('same-allocation-is-version', 'same allocation makes a version', 8, [
    `${BUDGET}decide-allocation.ts`,
    "if (allocated === budget.allocated) return { outcome: 'unchanged' }\n  if (allocated > budget.allocated)",
    'if (allocated >= budget.allocated)',
  ]),
  defect('overrun-not-audited', 'overrun not audited', 1, [
    `${LEASE}report.ts`,
    'if (overrun > ZERO) {\n    const from',
    'if (overrun < ZERO) {\n    const from',
  ]),
  defect('return-not-audited', 'return not audited', 1, [
    `${LEASE}return-lease.ts`,
    '  auditReturned(tx, context, ended.lease, gap, actor)\n',
    '',
  ]),
  defect('expiry-not-audited', 'expiry not audited', 1, [
    `${LEASE}end-lease.ts`,
    '      auditExpired(tx, books, ended.lease)\n',
    '',
  ]),
  defect('cut-audited', 'expiry cut audited', 16, [
    `${LEASE}end-lease.ts`,
    '{ expiresAt: decision.expiresAt })\n',
    '{ expiresAt: decision.expiresAt })\n      auditExpired(tx, books, cut)\n',
  ]),
]

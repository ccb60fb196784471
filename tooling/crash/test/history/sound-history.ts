/**
 * A small history in which nothing is wrong, and a draft of it that a test spoils. One agent of 100 µ$: a lease of 60, two reports,
 * one of them repeated, a refresh, a raise, an approved and a rejected budget request, a revocation, a stop, a new token, a return.
 */
import type { Call, FinalAgent, History, Intention, LedgerRow, Outcome, Told } from '../../src/history/history.ts'

/** The same without `readonly`. */
export type Draft<T> = T extends (infer Item)[] | readonly (infer Item)[]
  ? Draft<Item>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Draft<T[Name]> }
    : T

export const AGENT = 'agent_a'

const balance = (
  allocated: number,
  spent: number,
  reserved: number,
  version?: number,
): NonNullable<Told['balance']> => ({
  allocated,
  spent,
  reserved,
  remaining: Math.max(0, allocated - spent - reserved),
  overdrawn: Math.max(0, spent + reserved - allocated),
  ...(version !== undefined && { version }),
})

export const done = (told: Told = {}): Outcome => ({ kind: 'done', told })
export const UNKNOWN: Outcome = { kind: 'unknown' }
export const refused = (code: string, status = 403): Outcome => ({ kind: 'refused', status, code })

/** A call at an instant, answered 5 ms later. */
export function call(at: number, key: string, intention: Intention, outcome: Outcome, token?: number): Call {
  return { agentId: AGENT, key, intention, token, startedAt: at, endedAt: at + 5, outcome }
}

export function look(at: number, told: NonNullable<Told['balance']>): Call {
  return call(at, `look-${at}`, { kind: 'look' }, done({ balance: told }))
}

const grant = (replaces?: string): Intention => ({ kind: 'grant', requested: 60, replaces })
const report = (leaseId: string, requestId: string, cost: number): Intention => ({
  kind: 'report',
  leaseId,
  requestId,
  cost,
})

type Movement = [type: LedgerRow['type'], amount: number, leaseId?: string, requestId?: string]

function ledgerOf(movements: readonly Movement[]): LedgerRow[] {
  return movements.map(([type, amount, leaseId = null, requestId = null], index) => ({
    seq: index + 1,
    text: `${type} ${amount}`,
    type,
    amount,
    leaseId,
    requestId,
  }))
}

export function soundHistory(): Draft<History> {
  const calls: Call[] = [
    call(0, 'h1', grant(), done({ leaseId: 'L1', granted: 60, duplicate: false, balance: balance(100, 0, 60) }), 0),
    look(10, balance(100, 0, 60, 1)),
    call(20, 'r1', report('L1', 'r1', 10), UNKNOWN, 0),
    call(30, 'r1', report('L1', 'r1', 10), done({ duplicate: true, balance: balance(100, 10, 50) }), 0),
    call(40, 'r2', report('L1', 'r2', 70), done({ duplicate: false, balance: balance(100, 80, 0) }), 0),
    call(
      50,
      'b1',
      { kind: 'allocate', allocated: 150, force: false },
      done({ change: 50, balance: balance(150, 80, 0, 2) }),
    ),
    call(
      60,
      'f1',
      grant('L1'),
      done({ leaseId: 'L2', granted: 60, duplicate: false, balance: balance(150, 80, 60) }),
      0,
    ),
    call(70, 'q1', { kind: 'ask', requested: 200 }, done({ id: 'q-1' })),
    call(
      80,
      'a1',
      { kind: 'approve', budgetRequestId: 'q-1', allocated: 200 },
      done({ balance: balance(200, 80, 60, 3) }),
    ),
    call(90, 'q2', { kind: 'ask', requested: 300 }, UNKNOWN),
    call(100, 'q2', { kind: 'ask', requested: 300 }, done({ id: 'q-2' })),
    call(110, 'j1', { kind: 'reject', budgetRequestId: 'q-2' }, done()),
    look(120, balance(200, 80, 60, 3)),
    call(130, 'v1', { kind: 'revoke', leaseId: 'L2' }, done()),
    call(140, 's1', { kind: 'stop' }, done()),
    call(150, 'h2', grant(), refused('AGENT_STOPPED'), 0),
    call(160, 'u1', { kind: 'resume' }, done()),
    call(170, 't1', { kind: 'regenerate' }, done()),
    call(180, 'h3', grant(), refused('TOKEN_REVOKED', 401), 0),
    call(190, 'h3', grant(), done({ leaseId: 'L3', granted: 60, duplicate: false, balance: balance(200, 80, 60) }), 1),
    call(200, 'e1', { kind: 'return', leaseId: 'L3' }, done({ leaseId: 'L3', duplicate: false }), 1),
    call(210, 'h4', grant(), UNKNOWN, 1),
    call(220, 'r3', report('L3', 'r3', 5), UNKNOWN, 1),
  ]
  const ledger = ledgerOf([
    ['allocate', 100],
    ['grant', 60, 'L1'],
    ['spend', 10, 'L1', 'r1'],
    ['spend', 50, 'L1', 'r2'],
    ['overrun', 20, 'L1', 'r2'],
    ['allocate', 50],
    ['grant', 60, 'L2'],
    ['allocate', 50],
    ['release', 60, 'L2'],
    ['grant', 60, 'L3'],
    ['release', 60, 'L3'],
  ])
  const lease = (
    id: string,
    status: string,
    spent: number,
    overrun: number,
    returned: number,
  ): FinalAgent['leases'][number] => ({
    id,
    status,
    granted: 60,
    spent,
    overrun,
    returned,
    supersedes: id === 'L2' ? 'L1' : null,
  })
  const agent: FinalAgent = {
    agentId: AGENT,
    balance: balance(200, 80, 0, 3),
    ledger,
    leases: [lease('L1', 'superseded', 60, 20, 0), lease('L2', 'revoked', 0, 0, 60), lease('L3', 'closed', 0, 0, 60)],
    versions: [
      { version: 1, previous: 0, allocated: 100, reason: null, budgetRequestId: null },
      { version: 2, previous: 100, allocated: 150, reason: 'b1', budgetRequestId: null },
      { version: 3, previous: 150, allocated: 200, reason: null, budgetRequestId: 'q-1' },
    ],
    budgetRequests: [
      { id: 'q-1', status: 'approved', key: 'q1' },
      { id: 'q-2', status: 'rejected', key: 'q2' },
    ],
    requests: ['r1', 'r2'],
    regenerations: 1,
  }
  const events = [
    ['lease.granted', 'L1'],
    ['request.completed', 'L1', 'r1'],
    ['request.completed', 'L1', 'r2'],
    ['lease.closed', 'L1'],
    ['lease.granted', 'L2'],
    ['lease.closed', 'L2'],
    ['lease.granted', 'L3'],
    ['lease.closed', 'L3'],
  ].map(([type = '', leaseId = null, requestId = null], index) => ({
    seq: 10 + 2 * index,
    text: `${type} ${String(leaseId)}`,
    type,
    agentId: AGENT,
    leaseId,
    requestId,
  }))
  const rows = (list: readonly { readonly seq: number; readonly text: string }[]) =>
    list.map(({ seq, text }) => ({ seq, text }))
  const history: History = {
    calls,
    tails: [
      { log: { agentId: AGENT }, rows: rows(ledger) },
      { log: 'events', rows: rows(events.slice(2)) },
    ],
    agents: [agent],
    events,
  }
  return structuredClone(history) as Draft<History>
}

import { describe, expect, test } from '@jest/globals'
import { check } from '../../src/history/check.ts'
import type { History } from '../../src/history/history.ts'
import { call, done, type Draft, look, soundHistory, UNKNOWN } from './sound-history.ts'

test('a sound history is accepted', () => {
  expect(check(soundHistory())).toEqual([])
})

type Agent = Draft<History>['agents'][number]

/** A defect, how it would show, and what the check says of it. */
const DEFECTS: readonly [name: string, spoil: (history: Draft<History>, agent: Agent) => void, says: RegExp][] = [
  [
    'an acknowledged report is lost',
    ({ events }, agent) => {
      agent.requests = ['r2']
      agent.ledger = agent.ledger.filter(({ requestId }) => requestId !== 'r1')
      events.splice(1, 1)
    },
    /^reports: r1 was acknowledged and is lost$/,
  ],
  [
    'a report is booked twice',
    (_, agent) => agent.ledger.splice(3, 0, { ...agent.ledger[2]!, seq: 4 }),
    /^reports: r1 cost 10, booked 20$/,
  ],
  ['a cost is cut to the hold', (_, agent) => agent.ledger.splice(4, 1), /^reports: r2 cost 70, booked 50$/],
  ['a report is logged and not booked', (_, agent) => agent.requests.push('r3'), /^reports: r3 cost 5, booked 0$/],
  ['a report that nobody sent is there', (_, agent) => agent.requests.push('r9'), /^reports: r9 was never reported/],
  [
    'a refused report is booked',
    ({ calls }) => {
      for (const each of calls)
        if (each.key === 'r2') each.outcome = { kind: 'refused', status: 404, code: 'LEASE_NOT_FOUND' }
    },
    /^reports: r2 was refused and is there$/,
  ],
  [
    'a report is acknowledged as new twice',
    ({ calls }) => calls.push(call(45, 'r2', calls[4]!.intention, done({ duplicate: false }), 0)),
    /^reports: r2 was acknowledged as new 2 times$/,
  ],
  [
    'an acknowledged lease is lost',
    (_, agent) => agent.leases.pop(),
    /^leases: lease L3 was acknowledged and is lost$/,
  ],
  [
    'a repeated handshake opens a second lease',
    ({ calls }) =>
      calls.push(call(6, 'h1', calls[0]!.intention, done({ leaseId: 'L3', granted: 60, duplicate: false }), 0)),
    /^leases: grant h1 led to 2 leases$/,
  ],
  [
    'a lease was granted to two calls',
    ({ calls }) =>
      calls.push(call(6, 'h9', calls[0]!.intention, done({ leaseId: 'L1', granted: 60, duplicate: true }), 0)),
    /^leases: lease L1 was granted for two calls$/,
  ],
  [
    'a lease that nobody asked for is there',
    (_, agent) => {
      for (const id of ['L8', 'L9']) agent.leases.push({ ...agent.leases[2]!, id })
    },
    /^leases: 2 leases that nobody was told of, 1 grants without an answer$/,
  ],
  [
    'a grant beyond the allocation',
    ({ calls }) => {
      // While L1 holds 60 of 100.
      calls.push(call(7, 'h9', calls[0]!.intention, done({ leaseId: 'L9', granted: 60, duplicate: false }), 0))
    },
    /^no over-grant: grant h9 of L9: 120 lent and spent, 100 allocated$/,
  ],
  [
    'two grants at once that no balance ever showed',
    ({ calls }) => {
      calls.push(call(192, 'h9', calls[0]!.intention, done({ leaseId: 'L9', granted: 70, duplicate: false }), 1))
    },
    /^no over-grant: grant h9 of L9: 210 lent and spent, 200 allocated$/,
  ],
  [
    'a raise that was not acknowledged is lent on before it was sent',
    ({ calls }) => {
      calls[0]!.outcome = done({ leaseId: 'L1', granted: 110, duplicate: false })
    },
    /^no over-grant: grant h1 of L1: 110 lent and spent, 100 allocated$/,
  ],
  [
    'an acknowledged raise is lost',
    (_, agent) => agent.versions.splice(1, 1),
    /^allocation: allocation b1 was acknowledged and is lost$/,
  ],
  [
    'an approval is booked twice',
    (_, agent) =>
      agent.versions.push({ version: 4, previous: 200, allocated: 200, reason: null, budgetRequestId: 'q-1' }),
    /^allocation: approval of q-1 was done 2 times$/,
  ],
  [
    'a rejected budget request raises',
    (_, agent) =>
      agent.versions.push({ version: 4, previous: 200, allocated: 300, reason: null, budgetRequestId: 'q-2' }),
    /^allocation: approval of q-2 was refused and is there$/,
  ],
  [
    'a budget request was made twice',
    (_, agent) => agent.budgetRequests.push({ id: 'q-3', status: 'pending', key: 'q2' }),
    /^allocation: budget request q2 was done 2 times$/,
  ],
  [
    'an allocation that nobody asked for',
    (_, agent) =>
      agent.versions.push({ version: 4, previous: 200, allocated: 201, reason: null, budgetRequestId: null }),
    /^allocation: nobody asked for version 4$/,
  ],
  [
    'a replaced token is served',
    ({ calls }) => calls.push(call(185, 'e9', { kind: 'return', leaseId: 'L1' }, done(), 0)),
    /^revocation: return e9 was served with a token that t1 had replaced$/,
  ],
  [
    'a token was replaced twice',
    (_, agent) => (agent.regenerations = 2),
    /^revocation: agent_a: 2 new tokens, 1 acknowledged of 1$/,
  ],
  [
    'a stopped agent is lent money',
    ({ calls }) => {
      for (const each of calls)
        if (each.key === 'h2') each.outcome = done({ leaseId: 'L3', granted: 60, duplicate: true })
    },
    /^revocation: grant h2 while the agent was stopped$/,
  ],
  [
    'a revoked lease is refreshed',
    ({ calls }) => {
      const told = done({ leaseId: 'L4', granted: 1, duplicate: false })
      calls.push(call(137, 'f9', { kind: 'grant', requested: 1, replaces: 'L2' }, told, 0))
    },
    /^revocation: grant f9 replaced lease L2, which had ended$/,
  ],
  [
    'a read goes back',
    ({ calls }) => calls.push(look(48, balanceAt(calls, 1))),
    /^reads: look-48: spent 0 after 80 had been told$/,
  ],
  [
    'a read is older than what was acknowledged before it',
    ({ calls }) => {
      calls.splice(4, 0, look(35, balanceAt(calls, 1)))
    },
    /^reads: look-35: spent 0, it must be 10 to 10$/,
  ],
  [
    'a read knows what nobody has reported yet',
    ({ calls }) => calls.push(look(1, { ...balanceAt(calls, 1), spent: 10, remaining: 30 })),
    /^reads: look-1: spent 10, it must be 0 to 0$/,
  ],
  [
    'an old version of the allocation is read',
    ({ calls }) => calls.push(look(125, { ...balanceAt(calls, 12), version: 2 })),
    /^reads: look-125: version 2 after 3 had been told$/,
  ],
  [
    'a replaced allocation is read',
    ({ calls }) => calls.push(look(125, { ...balanceAt(calls, 12), allocated: 150, remaining: 10 })),
    /^reads: look-125: allocated 150, it must be one of 200$/,
  ],
  [
    'a balance does not add up',
    ({ calls }) => calls.push(look(125, { ...balanceAt(calls, 12), remaining: 61 })),
    /^reads: look-125: .* does not add up$/,
  ],
  [
    'a reader misses a row',
    ({ tails }) => tails[0]!.rows.splice(2, 1),
    /^tails: ledger of agent_a: row 4 was read where 3 stands$/,
  ],
  [
    'a reader saw a row that is gone',
    ({ tails }) => tails[1]!.rows.push({ seq: 99, text: 'lost' }),
    /^tails: events: row 99 was read and is lost$/,
  ],
  [
    'a row changes after it was read',
    ({ tails }) => (tails[0]!.rows[1]!.text = 'grant 61'),
    /^tails: ledger of agent_a: row 2 is not what it was$/,
  ],
  ['an event is lost', ({ events }) => events.splice(2, 1), /^events: request\.completed of r2: 0 times instead of 1$/],
  [
    'an event is told twice',
    ({ events }) => events.push({ ...events[7]!, seq: 26 }),
    /^events: lease\.closed of L3, which is closed: 2 times instead of 1$/,
  ],
  [
    'a balance is not that of the ledger',
    (_, { balance }) => (balance.reserved = 5),
    /^books: agent_a: reserved is 5, the ledger says 0$/,
  ],
  [
    'a hold is not released',
    (_, agent) => agent.ledger.splice(8, 1),
    /^books: lease L2: returned 60, the ledger says otherwise$/,
  ],
  [
    'the ledger lends more than there is',
    (_, { ledger }) => (ledger[9]!.amount = 500),
    /^books: agent_a: after row 10 580 are lent and spent of 200$/,
  ],
  [
    'a fault of the server',
    ({ calls }) => (calls[1]!.outcome = { kind: 'refused', status: 500, code: 'INTERNAL_ERROR' }),
    /^answers: look look-10 was answered with 500 INTERNAL_ERROR$/,
  ],
]

describe('a history is rejected in which', () => {
  test.each(DEFECTS)('%s', (_, spoil, says) => {
    const history = soundHistory()
    spoil(history, history.agents[0]!)
    expect(check(history)).toContainEqual(expect.stringMatching(says))
  })
})

describe('what nobody knows may have happened or not:', () => {
  test('a report without an answer is there', () => {
    const history = soundHistory()
    const [agent] = history.agents
    agent!.requests.push('r3')
    agent!.ledger.push({ seq: 12, text: 'overrun 5', type: 'overrun', amount: 5, leaseId: 'L3', requestId: 'r3' })
    agent!.leases[2]!.overrun = 5
    agent!.balance = { ...agent!.balance, spent: 85, remaining: 115 }
    history.events.push({ ...history.events[1]!, seq: 30, leaseId: 'L3', requestId: 'r3' })
    expect(check(history)).toEqual([])
  })

  test('a grant without an answer is there', () => {
    const history = soundHistory()
    const [agent] = history.agents
    agent!.leases.push({ ...agent!.leases[2]!, id: 'L4', status: 'active', returned: 0 })
    agent!.ledger.push({ seq: 12, text: 'grant 60', type: 'grant', amount: 60, leaseId: 'L4', requestId: null })
    agent!.balance = { ...agent!.balance, reserved: 60, remaining: 60 }
    history.events.push({ ...history.events[6]!, seq: 30, leaseId: 'L4' })
    expect(check(history)).toEqual([])
  })

  test('a raise without an answer is not there', () => {
    const history = soundHistory()
    history.calls.push(call(115, 'b9', { kind: 'allocate', allocated: 900, force: false }, UNKNOWN))
    expect(check(history)).toEqual([])
  })
})

function balanceAt(calls: Draft<History>['calls'], index: number): Parameters<typeof look>[1] {
  const outcome = calls[index]?.outcome
  if (outcome?.kind !== 'done' || outcome.told.balance === undefined) throw new Error('no balance there')
  return outcome.told.balance
}

import { describe, expect, test } from '@jest/globals'
import { MAX_AMOUNT, type Microdollars, usd, ZERO } from '@iron/cost-calculator'
import { type ApprovalDecision, type ApprovalQuestion, decideApproval } from '../src/index.ts'

const PENDING = { status: 'pending', requesterId: 'ann', requestedAllocated: usd(20) } as const
const QUESTION: ApprovalQuestion = {
  request: PENDING,
  budget: { allocated: usd(10), archivedAt: null },
  reviewerId: 'bob',
  allowSelf: false,
}

describe('decideApproval', () => {
  const own = { reviewerId: 'ann' }
  const archived = { budget: { allocated: usd(10), archivedAt: 5 } }
  const low = { approvedAllocated: usd(10) }
  const table: readonly [name: string, change: Partial<ApprovalQuestion>, outcome: ApprovalDecision['outcome']][] = [
    ['as asked', {}, 'approve'],
    ['a smaller raise', { approvedAllocated: (usd(10) + 1) as Microdollars }, 'approve'],
    ['a larger raise than asked', { approvedAllocated: MAX_AMOUNT }, 'approve'],
    [
      'from nothing',
      { budget: { allocated: ZERO, archivedAt: null }, approvedAllocated: 1 as Microdollars },
      'approve',
    ],
    ['exactly the live allocation', low, 'decreases'],
    ['less than it', { approvedAllocated: usd(9) }, 'decreases'],
    ['what was asked, meanwhile allocated', { budget: { allocated: usd(20), archivedAt: null } }, 'decreases'],
    ['the own one', own, 'self_approval'],
    ['the own one, allowed', { ...own, allowSelf: true }, 'approve'],
    ['an archived agent', archived, 'archived'],
    ['approved already', { request: { ...PENDING, status: 'approved' } }, 'already_reviewed'],
    ['rejected already', { request: { ...PENDING, status: 'rejected' } }, 'already_reviewed'],
    ['cancelled already', { request: { ...PENDING, status: 'cancelled' } }, 'already_reviewed'],
    [
      'everything at once: decided first',
      { request: { ...PENDING, status: 'rejected' }, ...own, ...archived, ...low },
      'already_reviewed',
    ],
    ['then the own one', { ...own, ...archived, ...low }, 'self_approval'],
    ['then the archived agent', { ...archived, ...low }, 'archived'],
  ]
  test.each(table)('%s', (_, change, outcome) => {
    expect(decideApproval({ ...QUESTION, ...change }).outcome).toBe(outcome)
  })

  test('MON-25 what is approved is absolute: the reviewer’s amount, else the requested one', () => {
    expect(decideApproval(QUESTION)).toEqual({ outcome: 'approve', allocated: usd(20) })
    expect(decideApproval({ ...QUESTION, approvedAllocated: usd(15) })).toEqual({
      outcome: 'approve',
      allocated: usd(15),
    })
  })
})

/** Checks of what a budget request brings. Texts are stored in NFC, so that the database counts what was counted here (VAL-06). */
import type { Microdollars } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { checkAmount } from '../amount.ts'
import { checkActor, refuseFaults } from '../lease/validate.ts'

/** Bounds of the texts, in code points after trimming (http-api 4.10). */
const JUSTIFICATION_MIN = 20
const JUSTIFICATION_MAX = 500
const REJECTION_NOTES_MIN = 20
export const REVIEW_NOTES_MAX = 1_000

/** What a request is made of. */
export interface NewBudgetRequest {
  readonly agentId: string
  readonly requesterId: string
  /** Absolute: what the allocation is to become. Above the present one, at most 1e9 USD. */
  readonly requestedAllocated: Microdollars
  /** 20..500 code points after trimming. */
  readonly justification: string
}

/** @throws {LeaseError} VALIDATION_ERROR naming every fault */
export function checkNewRequest(input: NewBudgetRequest, actor: ActorRef): NewBudgetRequest {
  const faults = new Faults()
  faults.id('agentId', input.agentId)
  faults.id('requesterId', input.requesterId)
  checkAmount(faults, 'requestedAllocated', input.requestedAllocated, 1)
  const justification = stored(trimmed(input.justification))
  faults.text('justification', justification, { min: JUSTIFICATION_MIN, max: JUSTIFICATION_MAX, multiline: true })
  checkActor(faults, actor)
  refuseFaults(faults)
  return { ...input, justification }
}

/** The notes of an approval, `undefined` without any. @throws {LeaseError} VALIDATION_ERROR naming every fault */
export function checkApproval(
  id: string,
  actor: ActorRef,
  review: { readonly approvedAllocated?: Microdollars | undefined; readonly reviewNotes?: string | undefined },
): string | undefined {
  const faults = new Faults()
  faults.id('id', id)
  checkActor(faults, actor)
  if (review.approvedAllocated !== undefined) checkAmount(faults, 'approvedAllocated', review.approvedAllocated, 1)
  const notes = stored(review.reviewNotes)
  if (notes !== undefined) faults.text('reviewNotes', notes, { min: 0, max: REVIEW_NOTES_MAX, multiline: true })
  refuseFaults(faults)
  return notes === '' ? undefined : notes
}

/** The notes a rejection must have. @throws {LeaseError} VALIDATION_ERROR naming every fault */
export function checkRejection(id: string, actor: ActorRef, reviewNotes: string): string {
  const faults = new Faults()
  faults.id('id', id)
  checkActor(faults, actor)
  const notes = stored(reviewNotes)
  const rule = { min: REJECTION_NOTES_MIN, max: REVIEW_NOTES_MAX, multiline: true }
  faults.text('reviewNotes', notes, rule)
  // Blanks explain nothing.
  faults.text('reviewNotes', trimmed(notes), rule)
  refuseFaults(faults)
  return notes
}

function trimmed(text: string): string {
  return typeof text === 'string' ? text.trim() : text
}

function stored<T extends string | undefined>(text: T): T {
  return typeof text === 'string' ? (text.normalize('NFC') as T) : text
}

import { Faults } from '@iron/database'
import { refuseFaults } from '../errors.ts'

/** Longest reason of a change, in code points (http-api 4.2). */
const REASON_MAX = 1_000

/** A reason as it is stored and audited: its length is counted in this form. @throws {TokenManagerError} VALIDATION_ERROR */
export function checkReason(reason: string | undefined): string | undefined {
  if (reason === undefined) return undefined
  const faults = new Faults()
  faults.text('reason', reason, { max: REASON_MAX, multiline: true })
  refuseFaults(faults)
  return reason.normalize('NFC')
}

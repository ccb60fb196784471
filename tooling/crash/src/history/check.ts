/** Judges a history by the rules of budget-protocol.md and http-api.md. */
import type { History } from './history.ts'
import { allocationRule } from './rules/allocation.ts'
import { answerRule } from './rules/answers.ts'
import { bookRule } from './rules/books.ts'
import { eventRule } from './rules/events.ts'
import { leaseRule } from './rules/leases.ts'
import { overGrantRule } from './rules/over-grant.ts'
import { readRule } from './rules/reads.ts'
import { reportRule } from './rules/reports.ts'
import { revocationRule } from './rules/revocation.ts'
import { tailRule } from './rules/tails.ts'

/** What contradicts it, each as a sentence. */
export type Rule = (history: History) => Iterable<string>

export const RULES: Readonly<Record<string, Rule>> = {
  answers: answerRule,
  reports: reportRule,
  leases: leaseRule,
  'no over-grant': overGrantRule,
  allocation: allocationRule,
  revocation: revocationRule,
  reads: readRule,
  tails: tailRule,
  events: eventRule,
  books: bookRule,
}

/** @returns everything in a history that must not be, as `rule: what`; empty for a sound one */
export function check(history: History): string[] {
  return Object.entries(RULES).flatMap(([name, rule]) => [...rule(history)].map((fault) => `${name}: ${fault}`))
}

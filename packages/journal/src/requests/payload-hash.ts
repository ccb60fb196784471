import { hash as digest } from 'node:crypto'
import { canonicalJson } from '@iron/database'
import type { CallFacts, NewCall } from './call.ts'
import { toldParts } from './tokens.ts'

/**
 * The hash by which a repeat of a call is compared: of model, provider, cost as given, all counts as given and outcome; absent
 * differs from 0 (http-api 4.9.5). Never of the lease: a retry after a refresh may name the new one.
 *
 * A call with neither cost nor counts costs 0 (budget protocol 8.1), so it equals one that gives the cost 0.
 */
export function payloadHash(facts: CallFacts): string {
  const usage = toldParts(facts.usage)
  const cost = facts.cost ?? (usage === undefined ? 0 : undefined)
  const compared = { cost, model: facts.model, outcome: facts.outcome, provider: facts.provider, usage }
  return digest('sha256', canonicalJson(compared), 'hex')
}

/** The same for a call that is recorded: its cost was given only when its pricing says so. */
export function payloadHashOf(call: NewCall): string {
  const given = (call.pricing ?? 'reported') === 'reported'
  return payloadHash(given ? call : { ...call, cost: undefined })
}

/** Whether a call of a known request id says what the first of that id said: then it is a repeat, else a conflict. */
export function saysTheSame(first: CallFacts, again: CallFacts): boolean {
  return payloadHash(first) === payloadHash(again)
}

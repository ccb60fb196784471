import { expect, test } from '@jest/globals'
import { faultsOf, type Killed, type Undisturbed } from '../../src/points/judge.ts'

/** A handshake: repeated, it tells the key once more and books nothing. */
const GRANT: Undisturbed = {
  first: { status: 200, effect: { 'ledger grant': 1, 'lease active': 1, 'audit PROVIDER_KEY_DISCLOSED': 1 } },
  again: { status: 200, effect: { 'audit PROVIDER_KEY_DISCLOSED': 1 } },
}

const absent: Killed = { acknowledged: false, effect: {}, retried: GRANT.first, retriedAgain: GRANT.again }
const present: Killed = { ...absent, effect: GRANT.first.effect, retried: GRANT.again }

test.each([
  ['nothing was there and the retry did it', absent],
  ['it was there and the retry changed nothing', present],
  ['it was acknowledged and there', { ...present, acknowledged: true }],
])('holds: %s', (_, killed) => {
  expect(faultsOf(killed, GRANT)).toEqual([])
})

test.each<[string, Killed, RegExp]>([
  ['a lost acknowledgement', { ...absent, acknowledged: true }, /^what was acknowledged is lost$/],
  ['half an effect', { ...present, effect: { 'ledger grant': 1 } }, /^the effect is half there: .*ledger grant/],
  ['a second effect', { ...present, retried: GRANT.first }, /^the retry added .*"lease active":1/],
  ['no effect at all', { ...absent, retried: GRANT.again }, /^the retry added \{"audit/],
  ['a late second effect', { ...absent, retriedAgain: GRANT.first }, /^one more retry added /],
  [
    'a retry that fails',
    { ...present, retried: { ...GRANT.again, status: 409 } },
    /^the retry was answered with 409, not 200$/,
  ],
])('does not hold: %s', (_, killed, says) => {
  expect(faultsOf(killed, GRANT)).toContainEqual(expect.stringMatching(says))
})

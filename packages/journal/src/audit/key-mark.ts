/**
 * Which key the chain of a log was begun with, noted in `meta`: entries chained with another key, or without one, would break
 * the chain for ever, however right everything else is.
 */
import { prepare, type WriteTx } from '@iron/database'
import { JournalError } from '../errors.ts'
import { lockHead } from '../log-heads.ts'
import { type Chain, WITHOUT_KEY } from './chain.ts'
import type { AuditRow } from './entry.ts'
import { readRows } from './read.ts'

const META_KEY = 'audit.key'

const noted = prepare<object, { value: string }>((db) =>
  db.selectFrom('meta').select('value').where('key', '=', META_KEY),
)

const note = prepare<{ value: string }>((db, p) => db.insertInto('meta').values({ key: META_KEY, value: p('value') }))

/**
 * Notes the key of a log that is empty, or whose last entry it fits; refuses every other key than the noted one.
 *
 * @throws {JournalError} AUDIT_KEY_MISMATCH
 */
export async function confirmKeyMark(tx: WriteTx, chain: Chain): Promise<void> {
  // Under the lock of the head: whoever appends first of two that start at once has noted its key before.
  const { seq } = await lockHead(tx, 'audit')
  const mark = await noted.first(tx, {})
  if (mark !== undefined) {
    if (mark.value !== chain.keyMark) throw mismatch(mark.value === WITHOUT_KEY.keyMark ? 'no key' : 'another key')
    return
  }
  if (seq > 0) {
    const [last] = await readRows(tx, seq - 1, 1)
    if (!fits(chain, last)) throw mismatch(fits(WITHOUT_KEY, last) ? 'no key' : 'another key')
  }
  await note.run(tx, { value: chain.keyMark })
}

function fits(chain: Chain, last: AuditRow | undefined): boolean {
  return last !== undefined && last.hash === chain(last.prev_hash, last)
}

function mismatch(begunWith: 'no key' | 'another key'): JournalError {
  return new JournalError('AUDIT_KEY_MISMATCH', `the audit log was begun with ${begunWith}`, { details: { begunWith } })
}

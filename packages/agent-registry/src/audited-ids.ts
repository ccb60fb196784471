/**
 * Ids in one list of an audit entry. An entry holds 64 KiB; two lists of this length and 49 bytes an id leave 25 KiB for the
 * rest. What is beyond is found by what the operation left on the things themselves: a tag, a note, a lease's own entry.
 */
const AUDITED_IDS_MAX = 400

/** The ids that an audit entry names: all of them, short of a quantity that no entry could hold. */
export function auditedIds(ids: readonly string[]): string[] {
  return ids.slice(0, AUDITED_IDS_MAX)
}

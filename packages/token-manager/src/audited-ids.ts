/**
 * Ids in one list of an audit entry, which holds 64 KiB: an entry with three lists of this length leaves room for the rest.
 * Counts are always exact; what is beyond is found by the time and the actor on the things themselves.
 */
const AUDITED_IDS_MAX = 400

/** The ids that an audit entry names: all of them, short of a quantity that no entry could hold. */
export function auditedIds(ids: readonly string[]): readonly string[] {
  return ids.slice(0, AUDITED_IDS_MAX)
}

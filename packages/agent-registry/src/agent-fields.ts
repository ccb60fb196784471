/**
 * The fields of an agent that callers bring (http-api 4.4). Texts are stored in NFC, so that the database counts the code
 * points that were counted here (VAL-06); what cannot be stored is named in `faults` and returned as it came.
 */
import type { Faults } from '@iron/database'

const NAME_MAX = 100
const DESCRIPTION_MAX = 500
const TAGS_MAX = 20
const TAG_MAX = 50
const PROVIDERS_MAX = 50
const REASON_MAX = 500

/** What marks an agent whose owner was deleted. Such tags come on top of the limits and may stay when tags are changed. */
export const ORPHANED_TAG = 'orphaned'
const ORIGINAL_OWNER_PREFIX = 'original-owner:'
/** A prefix and an id of 255 code points. */
const MARKER_TAG_MAX = 270

/** The tag that names the owner an agent had. */
export function originalOwnerTag(ownerId: string): string {
  return `${ORIGINAL_OWNER_PREFIX}${ownerId}`
}

function isMarkerTag(tag: unknown): boolean {
  return tag === ORPHANED_TAG || (typeof tag === 'string' && tag.startsWith(ORIGINAL_OWNER_PREFIX))
}

/** Trimmed, 1..100. */
export function checkName(faults: Faults, name: string): string {
  const stored = trimmed(name)
  faults.text('name', stored, { max: NAME_MAX })
  return stored
}

/** As sent, up to 500; null for none. */
export function checkDescription(faults: Faults, description: string | null): string | null {
  if (description === null) return null
  const stored = composed(description)
  faults.text('description', stored, { min: 0, max: DESCRIPTION_MAX, multiline: true })
  return stored
}

/** Up to 20 of 1..50, trimmed, each once. */
export function checkTags(faults: Faults, tags: readonly string[]): readonly string[] {
  if (!isList(faults, 'tags', tags)) return []
  const stored = tags.map(trimmed)
  const counted = stored.filter((tag) => !isMarkerTag(tag))
  faults.check(counted.length <= TAGS_MAX, 'tags', `must be at most ${TAGS_MAX}`)
  stored.forEach((tag, index) => {
    faults.text(`tags[${index}]`, tag, { max: isMarkerTag(tag) ? MARKER_TAG_MAX : TAG_MAX })
  })
  return [...new Set(stored)]
}

/** Up to 50 ids in order of preference, each once. */
export function checkProviderIds(faults: Faults, ids: readonly string[]): readonly string[] {
  if (!isList(faults, 'providerIds', ids)) return []
  const distinct = [...new Set(ids)]
  faults.check(distinct.length <= PROVIDERS_MAX, 'providerIds', `must be at most ${PROVIDERS_MAX}`)
  distinct.forEach((id, index) => faults.id(`providerIds[${index}]`, id))
  return distinct
}

/** Why somebody did something: up to 500 code points, at least one unless it is the runtime that says it. */
export function checkReason(faults: Faults, reason: string | undefined, min: 0 | 1): string | null {
  if (reason === undefined) return null
  const stored = composed(reason)
  faults.text('reason', stored, { min, max: REASON_MAX, multiline: true })
  return stored === '' ? null : stored
}

function isList(faults: Faults, path: string, value: unknown): boolean {
  faults.check(Array.isArray(value), path, 'must be a list')
  return Array.isArray(value)
}

/** Callers in plain JavaScript may bring anything; what is no text is refused by the check that follows. */
function composed(text: string): string {
  return typeof text === 'string' ? text.normalize('NFC') : text
}

function trimmed(text: string): string {
  return typeof text === 'string' ? composed(text).trim() : text
}

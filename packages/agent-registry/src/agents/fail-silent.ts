/** Running agents of which nothing has been heard fail, each once, whichever process notices first (EVT-19). */
import { type IronDatabase, prepare, type WriteTx } from '@iron/database'
import type { Actor } from '@iron/journal'
import type { RegistryParts } from '../registry-parts.ts'
import { type SignsOfLife, stampSeen } from '../sign-of-life.ts'
import { setAgentState } from './agent-rows.ts'
import { announceState } from './announce-state.ts'
import { decideSilent } from './decide-state.ts'
import { lockUnlessArchived } from './lock-agent.ts'

/** Agents looked at in one call, unless asked otherwise. */
export const SILENT_BATCH = 500
/** Who fails agents that are silent. */
const SILENCE: Actor = Object.freeze({ type: 'system', id: 'system:silence' })
const REASON = 'heartbeat_missed'

const silentSince = prepare<{ seenUpTo: number; limit: number }, { id: string }>((db, p) =>
  db
    .selectFrom('agents')
    .select('id')
    .where('state', '=', 'running')
    .where('last_seen_at', '<=', p('seenUpTo'))
    .orderBy('last_seen_at')
    .orderBy('id')
    .limit(p('limit')),
)

/** Apart from the silent, so that both are found by the index and not among all that run. */
const seenAfter = prepare<{ seenAfter: number; limit: number }, { id: string }>((db, p) =>
  db
    .selectFrom('agents')
    .select('id')
    .where('state', '=', 'running')
    .where('last_seen_at', '>', p('seenAfter'))
    .limit(p('limit')),
)

/** What the silence check works with. */
export interface SilenceCheck {
  readonly parts: Pick<RegistryParts, 'leases' | 'events' | 'audit'>
  readonly signs: SignsOfLife
  readonly now: number
  readonly timeoutMs: number
  readonly limit: number
}

/**
 * One transaction per agent. A sign of life that was only remembered by this process is written down instead: the stamps in
 * the database may be a little older than the last call. Of an agent that was seen by a clock that stood ahead nothing is known:
 * its silence is counted from now.
 *
 * @returns the ids of those that failed, longest silent first
 */
export async function failSilentAgents(db: IronDatabase, check: SilenceCheck): Promise<readonly string[]> {
  const { now, timeoutMs, limit } = check
  const candidates = await db.read(async (tx) => [
    ...(await silentSince.all(tx, { seenUpTo: now - timeoutMs, limit })),
    ...(await seenAfter.all(tx, { seenAfter: now + timeoutMs, limit })),
  ])
  const failed: string[] = []
  for (const { id } of candidates) {
    if (await db.write((tx) => failIfSilent(tx, id, check), { group: true })) failed.push(id)
  }
  return Object.freeze(failed)
}

async function failIfSilent(tx: WriteTx, id: string, check: SilenceCheck): Promise<boolean> {
  const { parts, signs, now, timeoutMs } = check
  const before = await lockUnlessArchived(tx, id, parts)
  // Whoever runs has been seen, at the latest when it said so.
  const stampedAt = before?.last_seen_at ?? null
  if (before === undefined || stampedAt === null) return false
  const seenAt = [stampedAt, signs.lastOf(id) ?? stampedAt].filter((at) => at <= now + timeoutMs)
  const lastSeenAt = seenAt.length === 0 ? now : Math.max(...seenAt)
  if (decideSilent({ state: before.state, lastSeenAt }, now, timeoutMs) === 'alive') {
    if (lastSeenAt !== stampedAt) await stampSeen.run(tx, { agentId: id, at: lastSeenAt })
    return false
  }
  await setAgentState.run(tx, { id, state: 'failed', desired: before.desired_state, reason: REASON, now })
  announceState(tx, parts.events, before, { state: 'failed', cause: REASON, message: null })
  parts.audit.defer(
    {
      operation: 'AGENT_STATE_CHANGED',
      resourceType: 'agent',
      resourceId: id,
      actor: SILENCE,
      changes: { before: { state: before.state }, after: { state: 'failed' } },
      reason: REASON,
    },
    { tx },
  )
  return true
}

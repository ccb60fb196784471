import { prepare, type WriteTx } from '@iron/database'

/** An agent is seen when it calls; the time is written at most this often, in milliseconds (silence is 90 s). */
export const SIGN_OF_LIFE_MS = 15_000
/** The last use of an IC token is written at most this often, in milliseconds (data-model 3.5). */
const LAST_USE_MS = 60_000
/** Agents whose last writing is remembered; beyond it the oldest is forgotten and merely written once more. */
const REMEMBERED_MAX = 10_000

const seen = prepare<{ agentId: string; at: number }>((db, p) =>
  db
    .updateTable('agents')
    .set({ last_seen_at: p('at') })
    .where('id', '=', p('agentId')),
)

const used = prepare<{ agentId: string; at: number; before: number }>((db, p) =>
  db
    .updateTable('ic_tokens')
    .set({ last_used_at: p('at') })
    .where('agent_id', '=', p('agentId'))
    .where('revoked_at', 'is', null)
    .where((or) => or.or([or('last_used_at', 'is', null), or('last_used_at', '<=', p('before'))])),
)

/**
 * Stamps when agents were last seen, off the hot path: an observation, so a stamp that is lost is made again by the next
 * call, and none delays an answer.
 */
export class SignsOfLife {
  readonly #stamped = new Map<string, number>()

  /** Whether this call should be written down. */
  isDue(agentId: string, now: number): boolean {
    const last = this.#stamped.get(agentId)
    if (last !== undefined && now - last < SIGN_OF_LIFE_MS && now >= last) return false
    this.#stamped.delete(agentId)
    if (this.#stamped.size >= REMEMBERED_MAX) {
      const oldest = this.#stamped.keys().next().value
      if (oldest !== undefined) this.#stamped.delete(oldest)
    }
    this.#stamped.set(agentId, now)
    return true
  }

  /** Writes the stamps of one call. */
  async stamp(tx: WriteTx, agentId: string, at: number): Promise<void> {
    await seen.run(tx, { agentId, at })
    await used.run(tx, { agentId, at, before: at - LAST_USE_MS })
  }
}

import { prepare, type WriteTx } from '@iron/database'

/** An agent is seen when it calls; the time is written at most this often, in milliseconds (silence is 90 s). */
const SIGN_OF_LIFE_MS = 15_000
/** The last use of an IC token is written at most this often, in milliseconds (data-model 3.5). */
const LAST_USE_MS = 60_000
/** Agents whose last call is remembered; beyond it the one unwritten for longest is forgotten and merely written once more. */
const REMEMBERED_MAX = 10_000

/** Writes down that an agent was seen. */
export const stampSeen = prepare<{ agentId: string; at: number }>((db, p) =>
  db
    .updateTable('agents')
    .set({ last_seen_at: p('at') })
    .where('id', '=', p('agentId')),
)

/** A stamp of the future was left by a clock that was wrong, and is replaced. */
const stampUsed = prepare<{ agentId: string; at: number; before: number; after: number }>((db, p) =>
  db
    .updateTable('ic_tokens')
    .set({ last_used_at: p('at') })
    .where('agent_id', '=', p('agentId'))
    .where('revoked_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb('last_used_at', 'is', null),
        eb('last_used_at', '<=', p('before')),
        eb('last_used_at', '>=', p('after')),
      ]),
    ),
)

interface Sign {
  /** When the last call came. */
  seenAt: number
  /** Of the last call that was written down. */
  readonly stampedAt: number
}

/**
 * Knows when agents were last heard by this process, and writes it down off the hot path: an observation, so a stamp that is
 * lost is made again by the next call, and none delays an answer.
 */
export class SignsOfLife {
  readonly #signs = new Map<string, Sign>()

  /** Remembers a call. Tells whether it should be written down. */
  note(agentId: string, now: number): boolean {
    const sign = this.#signs.get(agentId)
    if (sign !== undefined && now >= sign.stampedAt && now - sign.stampedAt < SIGN_OF_LIFE_MS) {
      sign.seenAt = now
      return false
    }
    this.#signs.delete(agentId)
    if (this.#signs.size >= REMEMBERED_MAX) {
      const oldest = this.#signs.keys().next().value
      if (oldest !== undefined) this.#signs.delete(oldest)
    }
    this.#signs.set(agentId, { seenAt: now, stampedAt: now })
    return true
  }

  /** When an agent last called this process, if that is remembered. Epoch ms. */
  lastOf(agentId: string): number | undefined {
    return this.#signs.get(agentId)?.seenAt
  }

  /** Writes the stamps of one call. */
  async stamp(tx: WriteTx, agentId: string, at: number): Promise<void> {
    await stampSeen.run(tx, { agentId, at })
    await stampUsed.run(tx, { agentId, at, before: at - LAST_USE_MS, after: at + LAST_USE_MS })
  }
}

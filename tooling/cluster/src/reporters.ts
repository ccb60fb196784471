/**
 * Runtimes that report one call after the other, as the budget protocol asks of them: what was not acknowledged is sent again,
 * under the same request id, after the time that a 503 names. Remembers what was acknowledged, so that the ledger can be held
 * against it.
 */
import type { Client } from './client.ts'
import type { Agent } from './population.ts'
import { hold, sleep } from './scenario.ts'
import { rowsOf } from './installation.ts'
import { Tally } from './tally.ts'

/** Pause before a report whose connection broke is sent again, in milliseconds. */
const RECONNECT_AFTER_MS = 200
/** Microdollars per report: small numbers make every sum exact. */
const costOf = (index: number): number => (index % 7) + 1

/** An agent and the lease that its runtime borrowed. */
interface Runtime {
  readonly agent: Agent
  readonly leaseId: string
}

export class Reporters {
  readonly tally = new Tally()
  readonly #client: Client
  /** Request ids by agent. */
  readonly #acknowledged = new Map<string, Set<string>>()
  readonly #work: Promise<void>[] = []
  #stopped = false
  #sent = 0
  #lastSuccessMs = performance.now()
  #longestGapMs = 0

  private constructor(client: Client) {
    this.#client = client
  }

  /** Each agent borrows once and begins to report. */
  static async start(client: Client, agents: readonly Agent[]): Promise<Reporters> {
    const runtimes: Runtime[] = []
    for (const agent of agents) {
      const lease = await client.must('POST', '/budget/handshake', { requested_usd: 10 }, agent.runtime)
      runtimes.push({ agent, leaseId: String(lease['lease_id']) })
    }
    const reporters = new Reporters(client)
    for (const runtime of runtimes) reporters.#work.push(reporters.#report(runtime))
    return reporters
  }

  get acknowledged(): number {
    return [...this.#acknowledged.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** The longest time in which nobody's report was acknowledged, in milliseconds. */
  get longestGapMs(): number {
    return this.#longestGapMs
  }

  /** Lets every report that was begun be acknowledged, then ends. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#work)
  }

  /** Every acknowledged report is in the ledger exactly once, and nothing else is. */
  async requireLedger(databaseUrl: string): Promise<void> {
    const booked = await rowsOf<{ agent_id: string; request_id: string; times: string }>(
      databaseUrl,
      `SELECT agent_id, request_id, COUNT(*) AS times FROM ledger_entries
        WHERE type IN ('spend', 'overrun') AND agent_id = ANY($1) GROUP BY 1, 2`,
      [[...this.#acknowledged.keys()]],
    )
    const doubled = booked.filter(({ times }) => times !== '1')
    hold(doubled.length === 0, `${doubled.length} reports were booked more than once`)
    const known = new Set(booked.map((row) => `${row.agent_id} ${row.request_id}`))
    const lost = [...this.#acknowledged].flatMap(([agent, ids]) =>
      [...ids].filter((id) => !known.has(`${agent} ${id}`)),
    )
    hold(lost.length === 0, `${lost.length} acknowledged reports are not in the ledger`)
    hold(known.size === this.acknowledged, `${known.size} reports in the ledger, ${this.acknowledged} acknowledged`)
  }

  async #report({ agent, leaseId }: Runtime): Promise<void> {
    const acknowledged = new Set<string>()
    this.#acknowledged.set(agent.id, acknowledged)
    while (!this.#stopped) {
      const index = (this.#sent += 1)
      const requestId = `call-${index}`
      const report = { lease_id: leaseId, request_id: requestId, model: 'gpt-4o', cost_usd: costOf(index) / 1e6 }
      while (!(await this.#isAcknowledged(report, agent)));
      acknowledged.add(requestId)
    }
  }

  async #isAcknowledged(report: object, agent: Agent): Promise<boolean> {
    try {
      const answer = await this.#client.call('POST', '/budget/report', report, agent.runtime)
      this.tally.note(answer)
      if (answer.status === 200) {
        const now = performance.now()
        this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastSuccessMs)
        this.#lastSuccessMs = now
        return true
      }
      hold(answer.status === 503, `a report was answered with ${answer.status} ${JSON.stringify(answer.body)}`)
      await sleep(Number(answer.headers['retry-after'] ?? 1) * 1_000)
    } catch (error) {
      this.tally.broke(error)
      // By its code, not its class: a test runner has an Error of its own beside Node's.
      if (!Object.hasOwn(error as object, 'code') && this.tally.hangs === 0) throw error
      await sleep(RECONNECT_AFTER_MS)
    }
    return false
  }
}

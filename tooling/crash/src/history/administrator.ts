/** The one who decides about some agents: raises and lowers, approves and rejects, revokes, stops, replaces tokens. */
import { sleep } from '@iron/cluster'
import type { Intention, Outcome } from './history.ts'
import { microsOf, usdOf } from './money.ts'
import { type Ask, toldByBudget } from './recorder.ts'
import { pick, type Run, type RunAgent, settle } from './run-state.ts'

/** Microdollars by which an allocation is raised or lowered at most. */
const CHANGE_MICROS_MAX = 4_000_000
/** Pause between two decisions, at most, in milliseconds. */
const PAUSE_MS_MAX = 60

export class Administrator {
  readonly #run: Run
  readonly #agents: readonly RunAgent[]
  readonly #name: string
  #decisions = 0

  constructor(run: Run, agents: readonly RunAgent[], name: string) {
    this.#run = run
    this.#agents = agents
    this.#name = name
  }

  async work(): Promise<void> {
    while (!this.#run.isOver) {
      const agent = pick(this.#run, this.#agents)
      if (agent !== undefined) await this.#decide(agent)
      await sleep(this.#run.random() * PAUSE_MS_MAX)
    }
  }

  async #decide(agent: RunAgent): Promise<void> {
    const dice = this.#run.random()
    if (dice < 0.35) await this.#raise(agent)
    else if (dice < 0.5) await this.#lower(agent)
    else if (dice < 0.75) await this.#request(agent)
    else if (dice < 0.87) await this.#revoke(agent)
    else if (dice < 0.94) await this.#stop(agent)
    else await this.#regenerate(agent)
  }

  async #raise(agent: RunAgent): Promise<void> {
    const { allocated } = await this.#budget(agent)
    await this.#allocate(agent, allocated + this.#someMicros(), false)
  }

  /** Between what is spent and what is allocated: leases are revoked for it. */
  async #lower(agent: RunAgent): Promise<void> {
    const { allocated, spent } = await this.#budget(agent)
    const lower = Math.max(spent + this.#someMicros() / 4, allocated - this.#someMicros())
    if (lower < allocated) await this.#allocate(agent, Math.floor(lower), true)
  }

  async #allocate(agent: RunAgent, allocated: number, force: boolean): Promise<void> {
    const key = this.#key('allocation')
    const ask = this.#ask(agent, key, { kind: 'allocate', allocated, force }, 'PUT', `/agents/${agent.id}/budget`, {
      allocated_usd: usdOf(allocated),
      force,
      reason: key,
    })
    // Who gave up would not know on which allocation the next decision stands.
    await settle(this.#run, () => this.#run.recorder.call(ask, toldByBudget), false)
  }

  async #request(agent: RunAgent): Promise<void> {
    const { allocated } = await this.#budget(agent)
    const requested = allocated + this.#someMicros()
    const key = this.#key('budget-request')
    const ask = this.#ask(agent, key, { kind: 'ask', requested }, 'POST', '/budget-requests', {
      agent_id: agent.id,
      requested_allocated_usd: usdOf(requested),
      justification: `more calls than foreseen, ${key}`,
    })
    const made = await settle(this.#run, () => this.#run.recorder.call(ask))
    const id = made.outcome.kind === 'done' ? made.outcome.told.id : undefined
    if (id === undefined) return
    const isApproved = this.#run.random() < 0.6
    const decision = isApproved
      ? this.#ask(
          agent,
          this.#key('approval'),
          { kind: 'approve', budgetRequestId: id, allocated: requested },
          'PUT',
          `/budget-requests/${id}/approve`,
          {},
        )
      : this.#ask(
          agent,
          this.#key('rejection'),
          { kind: 'reject', budgetRequestId: id },
          'PUT',
          `/budget-requests/${id}/reject`,
          {
            review_notes: 'not before the next quarter begins',
          },
        )
    await settle(this.#run, () => this.#run.recorder.call(decision), false)
  }

  async #revoke(agent: RunAgent): Promise<void> {
    const path = `/agents/${agent.id}/leases`
    const ids = await this.#look(agent, `${path}?status=active`, ({ data }) =>
      (data as readonly { readonly id: string }[]).map(({ id }) => id),
    )
    const leaseId = pick(this.#run, ids ?? [])
    if (leaseId === undefined) return
    const ask = this.#ask(
      agent,
      this.#key('revocation'),
      { kind: 'revoke', leaseId },
      'POST',
      `${path}/${leaseId}/revoke`,
      {},
    )
    await settle(this.#run, () => this.#run.recorder.call(ask))
  }

  async #stop(agent: RunAgent): Promise<void> {
    for (const kind of ['stop', 'resume'] as const) {
      const ask = this.#ask(agent, this.#key(kind), { kind }, 'POST', `/agents/${agent.id}/${kind}`, {})
      // An agent that stayed stopped would do nothing more.
      await settle(this.#run, () => this.#run.recorder.call(ask), false)
      await sleep(this.#run.random() * PAUSE_MS_MAX)
    }
  }

  /** The token of a repeated answer is left out of it (http-api 1.9): then there is one more regeneration. */
  async #regenerate(agent: RunAgent): Promise<void> {
    for (;;) {
      const key = this.#key('regeneration')
      const ask = this.#ask(agent, key, { kind: 'regenerate' }, 'POST', `/agents/${agent.id}/ic-token/regenerate`, {})
      const keyed = { ...ask, headers: { ...ask.headers, 'Idempotency-Key': key } }
      const { answer, outcome } = await settle(this.#run, () => this.#run.recorder.call(keyed), false)
      if (outcome.kind !== 'done') return
      const { token } = answer?.body['ic_token'] as { readonly token: string | null }
      const number = agent.token.number + 1
      agent.token = { headers: token === null ? agent.token.headers : { 'X-IC-Token': token }, number }
      if (token !== null) return
    }
  }

  async #budget(agent: RunAgent): Promise<{ allocated: number; spent: number }> {
    const read = async (): Promise<{ outcome: Outcome; answer?: { body: Readonly<Record<string, unknown>> } }> =>
      this.#run.recorder.call(this.#lookAt(agent, `/agents/${agent.id}/budget`), toldByBudget)
    const { answer } = await settle(this.#run, read, false)
    return { allocated: microsOf(answer?.body['allocated_usd']), spent: microsOf(answer?.body['spent_usd']) }
  }

  async #look<T>(
    agent: RunAgent,
    path: string,
    read: (body: Readonly<Record<string, unknown>>) => T,
  ): Promise<T | undefined> {
    const { answer } = await settle(this.#run, () => this.#run.recorder.call(this.#lookAt(agent, path)))
    return answer?.status === 200 ? read(answer.body) : undefined
  }

  #lookAt(agent: RunAgent, path: string): Ask {
    return this.#ask(agent, this.#key('look'), { kind: 'look' }, 'GET', path)
  }

  #ask(agent: RunAgent, key: string, intention: Intention, method: string, path: string, body?: object): Ask {
    const headers = { ...this.#run.admin, ...(intention.kind === 'ask' && { 'Idempotency-Key': key }) }
    return { agentId: agent.id, key, intention, method, path, headers, ...(body !== undefined && { body }) }
  }

  #someMicros(): number {
    return 1 + Math.floor(this.#run.random() * CHANGE_MICROS_MAX)
  }

  #key(what: string): string {
    this.#decisions += 1
    return `${what}-${this.#name}-${this.#decisions}`
  }
}

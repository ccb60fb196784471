/** A runtime of an agent: borrows, reports, refreshes and returns, and repeats under the same key what was not answered. */
import { sleep } from '@iron/cluster'
import type { Outcome } from './history.ts'
import { usdOf } from './money.ts'
import type { Ask } from './recorder.ts'
import { type Run, type RunAgent, settle } from './run-state.ts'

/** Microdollars. */
const GRANT_MICROS = 2_000_000
const COST_MICROS_MAX = 90_000
const BATCH = 5
/** Pause after a refusal, in milliseconds. */
const REFUSED_PAUSE_MS = 30

export class Runtime {
  readonly #run: Run
  readonly #agent: RunAgent
  readonly #name: string
  #calls = 0

  constructor(run: Run, agent: RunAgent, name: string) {
    this.#run = run
    this.#agent = agent
    this.#name = name
  }

  async work(): Promise<void> {
    while (!this.#run.isOver) {
      const leaseId = await this.#grant('handshake')
      if (leaseId === undefined) await sleep(REFUSED_PAUSE_MS)
      else await this.#use(leaseId)
    }
  }

  /** Until it is given back, or lost. */
  async #use(first: string): Promise<void> {
    for (let leaseId: string | undefined = first; leaseId !== undefined && !this.#run.isOver;) {
      const dice = this.#run.random()
      if (dice < 0.6) await this.#report(leaseId)
      else if (dice < 0.72) await this.#reportTwice(leaseId)
      else if (dice < 0.84) await this.#reportBatch(leaseId)
      else if (dice < 0.93) leaseId = await this.#grant('refresh', leaseId)
      else {
        await this.#giveBack(leaseId)
        return
      }
    }
  }

  /** @returns the new lease, unless it is refused or stays unknown */
  async #grant(call: 'handshake' | 'refresh', replaces?: string): Promise<string | undefined> {
    const key = this.#key(call)
    const body = { requested_usd: usdOf(GRANT_MICROS), ...(replaces !== undefined && { lease_id: replaces }) }
    const { outcome } = await settle(this.#run, () =>
      this.#run.recorder.call({
        ...this.#ask(key, { kind: 'grant', requested: GRANT_MICROS, replaces }, `/budget/${call}`, body),
        headers: { ...this.#agent.token.headers, 'Idempotency-Key': key },
      }),
    )
    return outcome.kind === 'done' ? outcome.told.leaseId : undefined
  }

  async #report(leaseId: string): Promise<void> {
    await this.#bookAll([this.#newReport(leaseId)])
  }

  /** As a client does whose first attempt seems to hang. */
  async #reportTwice(leaseId: string): Promise<void> {
    const report = this.#newReport(leaseId)
    await Promise.all([this.#bookAll([report]), this.#bookAll([report])])
  }

  async #reportBatch(leaseId: string): Promise<void> {
    await this.#bookAll(Array.from({ length: BATCH }, () => this.#newReport(leaseId)))
  }

  #newReport(leaseId: string): Report {
    const cost = 1 + Math.floor(this.#run.random() * COST_MICROS_MAX)
    return { kind: 'report', leaseId, requestId: this.#key('call'), cost }
  }

  /** A token that was replaced refuses all of them: the reports are sent again with the new one. */
  async #bookAll(reports: readonly Report[]): Promise<void> {
    await settle(this.#run, async () => {
      const outcomes = await this.#book(reports)
      const isVoid = outcomes.some((outcome) => outcome.kind === 'refused' && outcome.code === 'TOKEN_REVOKED')
      const isUnknown = outcomes.some(({ kind }) => kind === 'unknown')
      return { outcome: isVoid || isUnknown ? { kind: 'unknown' } : (outcomes[0] as Outcome) }
    })
  }

  async #book(reports: readonly Report[]): Promise<Outcome[]> {
    const { headers } = this.#agent.token
    const asks = reports.map((report) => this.#ask(report.requestId, report, '/budget/report', bodyOf(report)))
    const [only] = asks
    if (asks.length === 1 && only !== undefined) return [(await this.#run.recorder.call(only)).outcome]
    const body = { reports: reports.map(bodyOf) }
    return this.#run.recorder.batch(asks, { path: '/budget/report/batch', body, headers })
  }

  async #giveBack(leaseId: string): Promise<void> {
    const key = this.#key('return')
    await settle(this.#run, () =>
      this.#run.recorder.call(this.#ask(key, { kind: 'return', leaseId }, '/budget/return', { lease_id: leaseId })),
    )
  }

  #ask(key: string, intention: Ask['intention'], path: string, body: object): Ask {
    const { headers, number } = this.#agent.token
    return { agentId: this.#agent.id, key, intention, token: number, method: 'POST', path, body, headers }
  }

  #key(what: string): string {
    this.#calls += 1
    return `${what}-${this.#name}-${this.#calls}`
  }
}

type Report = Extract<Ask['intention'], { kind: 'report' }>

function bodyOf({ leaseId, requestId, cost }: Report): object {
  return { lease_id: leaseId, request_id: requestId, model: 'gpt-4o', cost_usd: usdOf(cost) }
}

/**
 * An agent's runtime: it borrows a lease, spends it call by call without asking, reports in the background, borrows the next
 * before the last is used up, and returns what is left. It makes one call at a time.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CostCalculator, countsOf, type Microdollars, toUsd } from '@iron/cost-calculator'
import { type CallReport, type GrantAnswer, IronApi, Refused, Unavailable } from './iron-api.ts'
import { Journal } from './journal.ts'
import { Lease } from './lease.ts'
import { chat, type ChatAnswer, type ChatRequest, NotBilled } from './llm.ts'
import { Reporter } from './reporter.ts'

/** Between attempts while Iron does not answer: doubling from the first to the second, in milliseconds, with jitter. */
const [RETRY_FIRST_MS, RETRY_MOST_MS] = [500, 30_000]
/** How long an ending agent tries to tell Iron the rest, in milliseconds. What is left then stays in the journal. */
const GOODBYE_MS = 30_000

/** Nothing more is lent for now; what was lent already may be used up. */
const NO_FURTHER_GRANT = new Set(['BUDGET_EXCEEDED', 'LIMIT_EXCEEDED', 'ACCOUNT_SUSPENDED'])
/** The lease has ended without us, is unknown after a restore, or was asked for with other figures: a new one is due. */
const BEGIN_ANEW = new Set(['LEASE_NOT_ACTIVE', 'LEASE_NOT_FOUND', 'IDEMPOTENCY_CONFLICT'])

export interface RuntimeOptions {
  /** Of the control plane. */
  readonly address: string
  readonly icToken: string
  /** A folder of this agent alone, kept from run to run. */
  readonly journal: string
  /** Size of a lease, US dollars. */
  readonly leaseUsd: number
}

export class AgentRuntime {
  readonly #options: RuntimeOptions
  readonly #iron: IronApi
  readonly #journal: Journal
  readonly #reporter: Reporter
  readonly #prices = new CostCalculator()
  #lease: Lease | undefined
  /** Attempts in a row that Iron did not answer, and when to try again (`performance.now()`). */
  #misses = 0
  #retryAtMs = 0
  /** After a refused grant: when to ask for another. */
  #borrowAgainAtMs = 0

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.#iron = new IronApi(options.address, options.icToken)
    this.#journal = new Journal(options.journal)
    this.#reporter = new Reporter(this.#iron, this.#journal)
  }

  /** Costs of this lease so far, and reports that Iron does not have yet. */
  get status(): { readonly leaseId: string | undefined; readonly spentUsd: number; readonly waiting: number } {
    const spent = this.#lease?.guard.status().spent
    return {
      leaseId: this.#lease?.id,
      spentUsd: spent === undefined ? 0 : toUsd(spent),
      waiting: this.#journal.waiting(Infinity).length,
    }
  }

  /** One LLM call inside the lease; waits while there is none and Iron does not answer. @throws {Refused} there is no money, or the agent must not go on */
  async call(request: ChatRequest): Promise<ChatAnswer> {
    const worst = this.#prices.estimate(request)
    const lease = await this.#leaseFor(worst.amount)
    using hold = lease.guard.reserve(worst.amount)
    const call = { lease_id: lease.id, request_id: randomUUID(), model: request.model }
    const unheard: CallReport = { ...call, outcome: 'failed', cost_usd: toUsd(worst.amount) }
    this.#journal.begin(unheard)
    try {
      const answer = await chat(lease.baseUrl, lease.apiKey, request)
      const cost = this.#prices.cost(request.model, answer.usage).amount
      const { inputTokens, outputTokens } = countsOf(answer.usage)
      lease.guard.commit(hold, cost)
      const counts = { input_tokens: inputTokens, output_tokens: outputTokens, cost_usd: toUsd(cost) }
      this.#journal.end(call.request_id, { ...call, outcome: 'completed', ...counts })
      return answer
    } catch (error) {
      const isBilled = !(error instanceof NotBilled)
      if (isBilled) lease.guard.commit(hold, worst.amount)
      this.#journal.end(call.request_id, isBilled ? unheard : undefined)
      throw error
    } finally {
      if (this.#mayAsk) void this.#attempt(() => this.#reporter.flush()).catch(console.error)
    }
  }

  /** Tells the rest and gives the lease back. */
  async stop(): Promise<void> {
    const untilMs = performance.now() + GOODBYE_MS
    const goodbye = async (): Promise<void> => {
      await this.#reporter.flush()
      await this.#giveBack()
    }
    while (!(await this.#attempt(goodbye)) && performance.now() < untilMs) await this.#pause()
  }

  async #leaseFor(worst: Microdollars): Promise<Lease> {
    for (;;) {
      const lease = this.#lease
      const isEnough = lease !== undefined && lease.covers(worst) && !this.#reporter.overBudget
      if (isEnough && !(lease.isLow && this.#mayAsk && performance.now() >= this.#borrowAgainAtMs)) return lease
      let isAnswered: boolean
      try {
        isAnswered = await this.#attempt(() => this.#borrow())
      } catch (error) {
        if (!isEnough || !(error instanceof Refused && NO_FURTHER_GRANT.has(error.code))) throw error
        this.#borrowAgainAtMs = performance.now() + RETRY_MOST_MS
        return lease
      }
      if (isAnswered && this.#lease !== undefined) {
        if (this.#lease.covers(worst)) return this.#lease
        throw new Refused('BUDGET_EXCEEDED', 'what is left of the budget does not cover this call')
      }
      if (!isAnswered && !isEnough) {
        console.log('waiting for Iron: the lease is used up')
        await this.#pause()
      }
    }
  }

  /** Everything is told first, so that nothing of the old lease comes late. */
  async #borrow(): Promise<void> {
    await this.#reporter.flush()
    if (this.#lease === undefined) await this.#giveBack()
    const note = this.#journal.lease ?? { key: randomUUID() }
    this.#journal.lease = note
    const { leaseUsd } = this.#options
    const askedAtMs = performance.now()
    const old = this.#lease
    const grant = await (
      old === undefined
        ? this.#iron.post<GrantAnswer>('/budget/handshake', { requested_usd: leaseUsd }, note.key)
        : this.#iron.post<GrantAnswer>('/budget/refresh', { lease_id: old.id, requested_usd: leaseUsd })
    ).catch((error: unknown) => {
      if (!(error instanceof Refused && BEGIN_ANEW.has(error.code))) throw error
      this.#lease = undefined
      this.#journal.lease = undefined
      return undefined
    })
    if (grant === undefined) return
    this.#journal.lease = { ...note, leaseId: grant.lease_id }
    this.#lease = this.#reporter.lease = new Lease(grant, this.#options.icToken, askedAtMs)
    this.#reporter.overBudget = false
  }

  /** The lease in hand, or one that an earlier process left behind. */
  async #giveBack(): Promise<void> {
    const id = this.#journal.lease?.leaseId
    if (id === undefined) return
    const total = this.#lease === undefined ? {} : { spent_usd: toUsd(this.#lease.guard.status().spent) }
    await this.#iron.post('/budget/return', { lease_id: id, ...total }).catch((error: unknown) => {
      if (!(error instanceof Refused && BEGIN_ANEW.has(error.code))) throw error
    })
    this.#lease = this.#reporter.lease = undefined
    this.#journal.lease = undefined
  }

  /** Whether it went through; false when Iron did not answer. @throws {Refused} */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      this.#misses = 0
      return true
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      const doubled = Math.min(RETRY_FIRST_MS * 2 ** this.#misses, RETRY_MOST_MS)
      this.#misses += 1
      this.#retryAtMs = performance.now() + Math.max(error.retryAfterMs, doubled * (0.5 + Math.random() / 2))
      return false
    }
  }

  get #mayAsk(): boolean {
    return performance.now() >= this.#retryAtMs
  }

  async #pause(): Promise<void> {
    await sleep(Math.max(0, this.#retryAtMs - performance.now()))
  }
}

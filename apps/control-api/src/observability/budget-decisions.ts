import { type AgentPrincipal } from '@iron/agent-registry'
import { BudgetProtocol, type ReportAnswer, type ReturnAnswer } from '@iron/budget-protocol'
import { toUsd } from '@iron/cost-calculator'
import { Counter, type Registry } from 'prom-client'
import { toApiError } from '../http/errors.ts'

/** The messages that ask for money, and those that tell of it. */
type GrantMessage = 'handshake' | 'reserve' | 'refresh'
type Message = GrantMessage | 'report' | 'return'

/** What the budget protocol of this process decided, for its metrics. */
export class BudgetDecisions {
  readonly #grants = new Counter({
    name: 'iron_budget_grants_total',
    help: 'Leases granted, by message and by whether all that was asked for was left',
    labelNames: ['message', 'size'],
    registers: [],
  })
  readonly #refusals = new Counter({
    name: 'iron_budget_refusals_total',
    help: 'Budget messages refused, by message and error code',
    labelNames: ['message', 'code'],
    registers: [],
  })
  readonly #reports = new Counter({
    name: 'iron_budget_reports_total',
    help: 'Calls reported, each item of a batch for itself; duplicates were booked before',
    labelNames: ['outcome'],
    registers: [],
  })
  readonly #overruns = new Counter({
    name: 'iron_budget_overruns_total',
    help: 'Calls that cost more than a lease still held',
    registers: [],
  })
  readonly #overrunUsd = new Counter({
    name: 'iron_budget_overrun_usd_total',
    help: 'What those calls cost beyond their leases, in US dollars',
    registers: [],
  })

  /** Shows the counts in a registry. */
  registerIn(registry: Registry): void {
    registry.registerMetric(this.#grants)
    registry.registerMetric(this.#refusals)
    registry.registerMetric(this.#reports)
    registry.registerMetric(this.#overruns)
    registry.registerMetric(this.#overrunUsd)
  }

  /** A repeat that got its first answer decided nothing new. */
  granted(message: GrantMessage, grant: { readonly partial: boolean; readonly duplicate: boolean }): void {
    if (!grant.duplicate) this.#grants.inc({ message, size: grant.partial ? 'partial' : 'full' })
  }

  reported({ duplicate, overrun }: Pick<ReportAnswer, 'duplicate' | 'overrun'>): void {
    this.#reports.inc({ outcome: duplicate ? 'duplicate' : 'booked' })
    if (duplicate || overrun === 0) return
    this.#overruns.inc()
    this.#overrunUsd.inc(toUsd(overrun))
  }

  /** Counted under the code that leaves the server, of which there are so many and no more. */
  refused(message: Message, error: unknown): void {
    this.#refusals.inc({ message, code: toApiError(error).code })
  }
}

/** The budget protocol, with every decision counted after it was made; it decides nothing differently. */
export class CountedBudgetProtocol extends BudgetProtocol {
  readonly #decisions: BudgetDecisions

  constructor(decisions: BudgetDecisions, ...protocol: ConstructorParameters<typeof BudgetProtocol>) {
    super(...protocol)
    this.#decisions = decisions
  }

  override handshake(...message: Parameters<BudgetProtocol['handshake']>): ReturnType<BudgetProtocol['handshake']> {
    return this.#granting('handshake', super.handshake(...message))
  }

  override reserve(...message: Parameters<BudgetProtocol['reserve']>): ReturnType<BudgetProtocol['reserve']> {
    return this.#granting('reserve', super.reserve(...message))
  }

  override refresh(...message: Parameters<BudgetProtocol['refresh']>): ReturnType<BudgetProtocol['refresh']> {
    return this.#granting('refresh', super.refresh(...message))
  }

  override async report(...message: Parameters<BudgetProtocol['report']>): Promise<ReportAnswer> {
    const answer = await this.#noting('report', super.report(...message))
    this.#decisions.reported(answer)
    return answer
  }

  override async reportBatch(
    agent: AgentPrincipal,
    items: Parameters<BudgetProtocol['reportBatch']>[1],
  ): ReturnType<BudgetProtocol['reportBatch']> {
    const answers = await this.#noting('report', super.reportBatch(agent, items))
    for (const answer of answers) {
      if (answer.ok) this.#decisions.reported(answer.result)
      else this.#decisions.refused('report', answer.error)
    }
    return answers
  }

  override returnLease(...message: Parameters<BudgetProtocol['returnLease']>): Promise<ReturnAnswer> {
    return this.#noting('return', super.returnLease(...message))
  }

  async #granting<T extends { readonly partial: boolean; readonly duplicate: boolean }>(
    message: GrantMessage,
    granting: Promise<T>,
  ): Promise<T> {
    const grant = await this.#noting(message, granting)
    this.#decisions.granted(message, grant)
    return grant
  }

  async #noting<T>(message: Message, answering: Promise<T>): Promise<T> {
    try {
      return await answering
    } catch (error) {
      this.#decisions.refused(message, error)
      throw error
    }
  }
}

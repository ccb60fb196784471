/** Tells Iron what the journal holds, in batches, as often as it takes. A repeated report is booked once: its request id is its name. */
import type { CallReport, IronApi, ReportResult } from './iron-api.ts'
import type { Journal } from './journal.ts'
import type { Lease } from './lease.ts'

const BATCH_MAX = 100

export class Reporter {
  readonly #iron: IronApi
  readonly #journal: Journal
  #running: Promise<void> | undefined
  /** The lease in hand. */
  lease: Lease | undefined
  /** More is spent than was ever allocated: no new call until a grant succeeds. */
  overBudget = false

  constructor(iron: IronApi, journal: Journal) {
    this.#iron = iron
    this.#journal = journal
  }

  /** Sends until nothing waits; calls at the same time share one run. @throws {Unavailable}, {Refused}: the rest stays in the journal */
  flush(): Promise<void> {
    this.#running ??= this.#sendAll().finally(() => (this.#running = undefined))
    return this.#running
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const reports = this.#journal.waiting(BATCH_MAX)
      if (reports.length === 0) return
      await this.#send(reports)
    }
  }

  async #send(reports: readonly CallReport[]): Promise<void> {
    const askedAtMs = performance.now()
    const { results } = await this.#iron.post<{ results: ReportResult[] }>('/budget/report/batch', { reports })
    for (const [index, result] of results.entries()) {
      const report = reports[index] as CallReport
      const { lease } = this
      if (result.status !== 'error') {
        this.#journal.acknowledged(report.request_id)
        this.overBudget = result.over_budget
        if (report.lease_id === lease?.id && !result.late) lease.prolong(askedAtMs)
      } else if (result.code === 'LEASE_NOT_FOUND' && lease !== undefined && lease.id !== report.lease_id) {
        // Iron lost that lease, in a restore from a backup for example; what it paid for is still true.
        await this.#send([{ ...report, lease_id: lease.id }])
      } else {
        console.error(`report ${report.request_id}: ${result.code}: ${result.error}`)
        this.#journal.refused(report.request_id)
      }
    }
  }
}

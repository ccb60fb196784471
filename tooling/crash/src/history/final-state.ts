/** Reads, over the API, all that is there when everybody has gone. */
import type { Client } from '@iron/cluster'
import type { Headers } from '../points/subject.ts'
import type { EventRow, FinalAgent } from './history.ts'
import { balanceOf } from './recorder.ts'
import { budgetRequestRowOf, eventRowOf, leaseRowOf, ledgerRowOf, type Row, versionRowOf } from './rows.ts'

const LOG_PAGE = 1_000
const LIST_PAGE = 100

export class FinalState {
  readonly #client: Client
  readonly #admin: Headers

  constructor(client: Client, admin: Headers) {
    this.#client = client
    this.#admin = admin
  }

  async agent(agentId: string): Promise<FinalAgent> {
    const path = `/agents/${agentId}`
    const regenerated = await this.#log('/audit?operation=IC_TOKEN_REGENERATED&')
    return {
      agentId,
      balance: balanceOf(await this.#read(`${path}/budget`)),
      ledger: (await this.#log(`${path}/ledger?`)).map(ledgerRowOf),
      leases: (await this.#log(`${path}/leases?`)).map(leaseRowOf),
      versions: (await this.#log(`${path}/budget/history?`)).map(versionRowOf),
      budgetRequests: (await this.#list(`/budget-requests?agent_id=${agentId}`)).map(budgetRequestRowOf),
      requests: (await this.#log(`/requests?agent_id=${agentId}&`))
        .filter(({ billed }) => billed === true)
        .map((row) => String(row['request_id'])),
      regenerations: regenerated.filter((row) => JSON.stringify(row).includes(agentId)).length,
    }
  }

  async events(): Promise<EventRow[]> {
    const rows: EventRow[] = []
    for (;;) {
      const page = await this.#read(`/events?limit=${LOG_PAGE}&after=${rows.at(-1)?.seq ?? 0}`)
      const data = page['data'] as readonly Row[]
      if (data.length === 0) return rows
      rows.push(...data.map(eventRowOf))
    }
  }

  /** All rows of a log, oldest first. */
  async #log(path: string): Promise<Row[]> {
    const rows: Row[] = []
    for (let after = ''; ;) {
      const page = await this.#read(`${path}order=asc&limit=${LOG_PAGE}${after}`)
      rows.push(...(page['data'] as readonly Row[]))
      if (page['next_cursor'] === null) return rows
      after = `&after=${page['next_cursor'] as string}`
    }
  }

  /** All rows of a paged list. */
  async #list(path: string): Promise<Row[]> {
    const rows: Row[] = []
    for (let page = 1; ; page += 1) {
      const { data } = await this.#read(`${path}&per_page=${LIST_PAGE}&page=${page}`)
      rows.push(...(data as readonly Row[]))
      if ((data as readonly Row[]).length < LIST_PAGE) return rows
    }
  }

  #read(path: string): Promise<Row> {
    return this.#client.must('GET', path, undefined, this.#admin)
  }
}

/** Readers beside the work: balances of all agents, and logs that are read on from where the last page ended. */
import { sleep } from '@iron/cluster'
import type { LogRow, Tail } from './history.ts'
import { toldByBudget } from './recorder.ts'
import { logRowOf } from './rows.ts'
import { type Run, type RunAgent, settle } from './run-state.ts'

const PAUSE_MS = 20
/** Small, so that pages end between rows of one transaction too. */
const PAGE = 50

type Page = {
  readonly data: readonly Readonly<Record<string, unknown>>[]
  readonly next_cursor: string | number | null
}

export async function watchBalances(run: Run, agents: readonly RunAgent[]): Promise<void> {
  for (let look = 1; !run.isOver; look += 1)
    for (const { id } of agents) {
      const ask = {
        agentId: id,
        key: `balance-${look}`,
        intention: { kind: 'look' },
        method: 'GET',
        headers: run.admin,
      } as const
      await run.recorder.call({ ...ask, path: `/agents/${id}/budget` }, toldByBudget)
      await sleep(PAUSE_MS)
    }
}

/** Ends when nothing new comes after the run is over. */
export async function follow(run: Run, log: Tail['log']): Promise<Tail> {
  const rows: LogRow[] = []
  const path = log === 'events' ? '/events' : `/agents/${log.agentId}/ledger`
  const agentId = log === 'events' ? '' : log.agentId
  let after: string | number | null = null
  for (let look = 1; ; look += 1) {
    const isLast = run.isOver
    const query = `order=asc&limit=${PAGE}${after === null ? '' : `&after=${after}`}`
    const ask = {
      agentId,
      key: `page-${look}`,
      intention: { kind: 'look' },
      method: 'GET',
      headers: run.admin,
    } as const
    const { answer } = await settle(run, () => run.recorder.call({ ...ask, path: `${path}?${query}` }), false)
    if (answer?.status !== 200) throw new Error(`${path}: ${answer?.status ?? 'no answer'}`)
    const page = answer.body as unknown as Page
    // The last page of a ledger has no cursor: it is asked for again, and what was seen of it is left out.
    const fresh = page.data.map(logRowOf).filter(({ seq }) => seq > (rows.at(-1)?.seq ?? 0))
    rows.push(...fresh)
    after = page.next_cursor ?? after
    if (fresh.length === 0 && isLast) return { log, rows }
    await sleep(PAUSE_MS)
  }
}

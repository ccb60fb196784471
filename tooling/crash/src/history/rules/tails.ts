/** Whoever reads a log from where it stopped sees every row once, in order, and each as it stays. */
import type { History, LogRow } from '../history.ts'

export function* tailRule({ tails, agents, events }: History): Generator<string> {
  for (const { log, rows } of tails) {
    const name = log === 'events' ? 'events' : `ledger of ${log.agentId}`
    const final = log === 'events' ? events : (agents.find(({ agentId }) => agentId === log.agentId)?.ledger ?? [])
    yield* compare(name, rows, final)
  }
}

function* compare(name: string, seen: readonly LogRow[], final: readonly LogRow[]): Generator<string> {
  const from = final.findIndex(({ seq }) => seq === seen[0]?.seq)
  for (const [index, { seq, text }] of seen.entries()) {
    const row = final[from + index]
    if (from < 0 || row === undefined) yield `${name}: row ${seq} was read and is lost`
    else if (row.seq !== seq) yield `${name}: row ${seq} was read where ${row.seq} stands`
    else if (row.text !== text) yield `${name}: row ${seq} is not what it was`
    else continue
    return
  }
}

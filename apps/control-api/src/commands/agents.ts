import { ServerApi, type ServerOptions } from './remote/server-api.ts'
import { fieldsOf, tableOf, usd } from './remote/table.ts'
import { print, printList } from './remote/print.ts'

/** What is shown of an agent (http-api 4.4). */
interface Agent {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly state: string
  readonly owner_id: string
  readonly budget: { readonly allocated_usd: number; readonly spent_usd: number; readonly remaining_usd: number }
}

/** How `iron agents list` is called. */
export interface ListAgentsOptions extends ServerOptions {
  readonly name?: string | undefined
  readonly status?: string | undefined
  readonly owner?: string | undefined
  readonly limit: number
  readonly json?: boolean | undefined
}

/** `iron agents list`: newest first. */
export async function listAgents({ name, status, owner, limit, json, ...server }: ListAgentsOptions): Promise<void> {
  const found = await new ServerApi(server).list<Agent>('/agents', limit, { name, status, owner_id: owner })
  printList(found, json, (agents) =>
    tableOf(agents, [
      { title: 'ID', of: ({ id }) => id },
      { title: 'NAME', of: (agent) => agent.name },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'ALLOCATED', of: ({ budget }) => usd(budget.allocated_usd), right: true },
      { title: 'SPENT', of: ({ budget }) => usd(budget.spent_usd), right: true },
      { title: 'REMAINING', of: ({ budget }) => usd(budget.remaining_usd), right: true },
    ]),
  )
}

/** `iron agents show`. */
export async function showAgent(id: string, { json, ...server }: ServerOptions & { json?: boolean }): Promise<void> {
  const agent = await new ServerApi(server).get<Record<string, unknown>>(`/agents/${encodeURIComponent(id)}`)
  print(agent, json, fieldsOf)
}

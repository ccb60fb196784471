/** What the routes below `/agents/{id}` have in common. */
import type { Services } from '../services.ts'
import { notFound } from '../http/handle.ts'

/** The agent of a path. */
export const agentParam = { id: { prefix: 'agent', notFound: 'AGENT_NOT_FOUND' } } as const

/** A person's route about one agent: somebody else's agent does not exist for them. */
export const ofAgent = { auth: 'user', params: agentParam, agentParam: 'id' } as const

/** A runtime's route about its own agent: any other agent does not exist for it. */
export const ofOwnAgent = { auth: 'agent', params: agentParam, agentParam: 'id' } as const

/** The agent a path names, for reads that would show nothing where there is none. @throws {ApiError} AGENT_NOT_FOUND */
export async function knownAgent(
  services: Pick<Services, 'budgets'>,
  params: Readonly<Record<string, string>>,
): Promise<string> {
  const agentId = params['id'] ?? ''
  if ((await services.budgets.get(agentId)) === undefined) throw notFound('AGENT_NOT_FOUND')
  return agentId
}

import type { Faults } from '@iron/database'
import type { CallFilter } from '@iron/journal'

/** Whose calls, and which of them; every given field must fit. `ownerId`: the present owner of the agent or token. */
export type Scope = Omit<CallFilter, 'from' | 'to'>

/** Longest texts of a call, in code points (data-model 3.6). */
const PROVIDER_MAX = 100
const MODEL_MAX = 255
/** Longest project label, in code points (http-api 4.13). */
const PROJECT_MAX = 100

/** Collects what is wrong with a scope. An empty text is refused: roll-ups write it for what is not known. */
export function checkScope(faults: Faults, scope: Scope): void {
  const { ownerId, agentId, tokenId, projectId, source, provider, model, outcome } = scope
  if (ownerId !== undefined) faults.id('ownerId', ownerId)
  if (agentId !== undefined) faults.id('agentId', agentId)
  if (tokenId !== undefined) faults.id('tokenId', tokenId)
  if (projectId !== undefined) faults.text('projectId', projectId, { max: PROJECT_MAX })
  if (source !== undefined) faults.oneOf('source', source, ['agent', 'api_token'])
  if (provider !== undefined) faults.text('provider', provider, { max: PROVIDER_MAX })
  if (model !== undefined) faults.text('model', model, { max: MODEL_MAX })
  if (outcome !== undefined) faults.oneOf('outcome', outcome, ['completed', 'failed'])
}

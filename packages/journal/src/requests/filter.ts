import type { IronSchema } from '@iron/database'
import { agentIsOf } from '../owners.ts'
import type { SqlPart } from '../sql-part.ts'
import type { Call } from './call.ts'

/** Which calls; every given field must fit. */
export interface CallFilter {
  /** Calls of agents and API tokens that this user owns now. */
  readonly ownerId?: string | undefined
  readonly agentId?: string | undefined
  readonly tokenId?: string | undefined
  /** Calls of API tokens of this project. */
  readonly projectId?: string | undefined
  readonly source?: Call['source'] | undefined
  readonly provider?: string | undefined
  readonly model?: string | undefined
  readonly outcome?: Call['outcome'] | undefined
  /** When the call was received, epoch ms, inclusive. */
  readonly from?: number | undefined
  /** Exclusive. */
  readonly to?: number | undefined
}

/** The tables a filter may be put to: the roll-ups and their sums write '' for what is not known, and hold no source. */
export type CallTable = keyof Pick<IronSchema, 'requests' | 'request_rollups' | 'request_sums'>

export const CALL_TABLES: readonly CallTable[] = ['request_sums', 'request_rollups', 'requests']

/** Whether a filter names agents or tokens, one or some. */
export function namesSubjects({ ownerId, agentId, tokenId, projectId }: CallFilter): boolean {
  return [ownerId, agentId, tokenId, projectId].some((value) => value !== undefined)
}

/** Whether a filter tells agents and tokens apart. */
export function asksSubjects(filter: CallFilter): boolean {
  return filter.source !== undefined || namesSubjects(filter)
}

/** The conditions of a filter but the times, which the two tables keep differently. */
export function conditionsOf(filter: CallFilter, table: CallTable): readonly SqlPart[] {
  const conditions: SqlPart[] = []
  const add = (sql: string, ...values: (string | number)[]): void => {
    conditions.push({ sql, values })
  }
  if (filter.agentId !== undefined) add('subject_id = ?', filter.agentId)
  if (filter.tokenId !== undefined) add('subject_id = ?', filter.tokenId)
  if (filter.ownerId !== undefined) {
    add(
      'subject_id IN (SELECT agent_id FROM agent_owner WHERE owner_id = ? UNION ALL SELECT token_id FROM token_owner WHERE owner_id = ?)',
      filter.ownerId,
      filter.ownerId,
    )
  }
  if (filter.projectId !== undefined) {
    add('subject_id IN (SELECT token_id FROM token_owner WHERE project_id = ?)', filter.projectId)
  }
  if (filter.provider !== undefined) add('provider = ?', filter.provider)
  if (filter.model !== undefined) add('model = ?', filter.model)
  if (filter.outcome !== undefined) {
    add(table === 'requests' ? `coalesce(outcome, 'completed') = ?` : 'outcome = ?', filter.outcome)
  }
  const source = sourceOf(filter)
  if (source === 'none') add('1 = 0')
  else if (source !== undefined) {
    if (table === 'requests') add('source = ?', source)
    else add(`subject_id ${source === 'agent' ? 'NOT IN' : 'IN'} (SELECT token_id FROM token_owner)`)
  }
  return conditions
}

/** The condition that a call's agent or API token is this owner's, as a question about each call. */
export function subjectIsOf(ownerId: string): SqlPart {
  const agent = agentIsOf('subject_id', ownerId)
  const token = '(SELECT o.owner_id FROM token_owner o WHERE o.token_id = subject_id) = ?'
  return { sql: `CASE WHEN source = 'agent' THEN ${agent.sql} ELSE ${token} END`, values: [...agent.values, ownerId] }
}

/** The source a filter asks for: naming an agent or a token asks for its kind. */
function sourceOf({ agentId, tokenId, source }: CallFilter): Call['source'] | 'none' | undefined {
  if (agentId !== undefined && tokenId !== undefined) return 'none'
  if (source === undefined) return undefined
  if ((agentId !== undefined && source !== 'agent') || (tokenId !== undefined && source !== 'api_token')) return 'none'
  return agentId === undefined && tokenId === undefined ? source : undefined
}

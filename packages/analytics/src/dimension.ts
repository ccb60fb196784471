/**
 * What calls can be grouped by, in SQL. Calls are summed by what their row holds (subject, provider, model, time) first; who
 * owns an agent or which project a token has is looked up once for each subject, so that it is always the owner of now.
 */
import { type CallKey, DAY_KEY, MODEL_KEY, PROVIDER_KEY, SUBJECT_KEY } from '@iron/journal'

export const DIMENSIONS = ['agent', 'owner', 'provider', 'model', 'token', 'project', 'day'] as const

/** What calls can be grouped by. */
export type Dimension = (typeof DIMENSIONS)[number]

/** How a dimension is asked for. */
export interface DimensionSql {
  /** What calls are summed by first. */
  readonly keys: readonly CallKey[]
  /** The key of a group, from `calls`. */
  readonly key: string
  readonly keyType: 'text' | 'bigint'
  /** The provider of a group, from `calls`. */
  readonly provider: string
  /** The name and the allocation of a group, from its `group_key`. */
  readonly label: string
  readonly allocated: string
}

const NO_TEXT = 'CAST(NULL AS text)'
const NO_AMOUNT = 'CAST(NULL AS bigint)'

/** The shape of most dimensions. */
const PLAIN = { keyType: 'text', provider: NO_TEXT, label: NO_TEXT, allocated: NO_AMOUNT } as const

/** How each dimension is asked for. A subject that is no token of this database counts as an agent, as in the journal. */
export const DIMENSION_SQL: Readonly<Record<Dimension, DimensionSql>> = {
  agent: {
    ...PLAIN,
    keys: [SUBJECT_KEY],
    key: `CASE WHEN ${ofToken('token_id')} IS NULL THEN calls.subject_id END`,
    label: ofGroup('agent_owner', 'agent_id', 'agent_name'),
    allocated: ofGroup('agent_owner', 'agent_id', 'allocated_micros'),
  },
  token: {
    ...PLAIN,
    keys: [SUBJECT_KEY],
    key: ofToken('token_id'),
    label: ofGroup('token_owner', 'token_id', 'token_name'),
  },
  owner: {
    ...PLAIN,
    keys: [SUBJECT_KEY],
    key: `coalesce(${ofToken('owner_id')}, (SELECT a.owner_id FROM agent_owner a WHERE a.agent_id = calls.subject_id))`,
    label: ofGroup('user_name', 'user_id', 'coalesce(name, username)'),
  },
  project: { ...PLAIN, keys: [SUBJECT_KEY], key: ofToken('project_id') },
  provider: { ...PLAIN, keys: [PROVIDER_KEY], key: known('provider'), provider: known('provider') },
  model: { ...PLAIN, keys: [PROVIDER_KEY, MODEL_KEY], key: known('model'), provider: known('provider') },
  day: { ...PLAIN, keys: [DAY_KEY], key: 'calls.start', keyType: 'bigint' },
}

function known(column: string): string {
  return `nullif(calls.${column}, '')`
}

function ofToken(column: string): string {
  return `(SELECT t.${column} FROM token_owner t WHERE t.token_id = calls.subject_id)`
}

function ofGroup(view: string, id: string, expression: string): string {
  return `(SELECT ${expression} FROM ${view} WHERE ${id} = group_key)`
}

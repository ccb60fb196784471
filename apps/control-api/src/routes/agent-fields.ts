/** The fields of an agent as they are sent (http-api 4.4, 4.5). */
import { AgentError, type IcTokenOptions } from '@iron/agent-registry'
import { array, id, oneOf, text, Type } from '../http/schemas.ts'

/** Most tags of one agent, and code points of one. */
const TAGS_MAX = 20
const TAG_MAX = 50
/** Most providers of one agent. */
const PROVIDERS_MAX = 50
/** Code points of the tag that names the owner an agent had: a prefix and an id of up to 255. */
const OWNER_TAG_MAX = 270

export const name = text({ max: 100 })
export const description = text({ min: 0, max: 500, multiline: true })
export const newTags = array(text({ max: TAG_MAX }), { maxItems: TAGS_MAX })

/**
 * Tags of an agent that exists. Those that mark an orphaned one come on top of the limits (http-api 4.2), so that a client may
 * send back what it has read; how many there are beside them is for the registry to count.
 */
export const tags = array(
  Type.Union([
    text({ max: TAG_MAX }),
    Type.Unsafe<string>({ ...text({ max: OWNER_TAG_MAX }), pattern: '^original-owner:' }),
  ]),
)

export const providerIds = array(id('prov'), { maxItems: PROVIDERS_MAX })
export const icTokenPermissions = array(oneOf('llm:call', 'analytics:write'), { minItems: 1, maxItems: 2 })

/** What an IC token may do and until when, as a service takes it. */
export function icTokenOf(permissions: IcTokenOptions['permissions'], expiresAt: string | undefined): IcTokenOptions {
  return { permissions, expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt) }
}

/**
 * What a new agent is refused for, under the names it was sent with: its token's options stand beside its own fields, not
 * below them.
 */
export function withFlatFields(error: unknown): unknown {
  if (!(error instanceof AgentError) || error.code !== 'VALIDATION_ERROR') return error
  const fields = Object.entries((error.details['fields'] ?? {}) as Readonly<Record<string, string>>)
  const flat = fields.map(([path, fault]) => [path.replace(/^icToken\.e/, 'icTokenE'), fault] as const)
  return new AgentError(error.code, error.message, { details: { fields: Object.fromEntries(flat) }, cause: error })
}

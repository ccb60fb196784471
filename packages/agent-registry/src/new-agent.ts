import type { Microdollars } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import { AgentError } from './errors.ts'
import type { IcTokenOptions } from './ic-tokens/ic-token-info.ts'

/** Bounds of an agent's texts and lists (http-api 4.4). */
export const NAME_MAX = 100
export const DESCRIPTION_MAX = 500
export const TAGS_MAX = 20
export const TAG_MAX = 50
export const PROVIDERS_MAX = 50

/** What an IC token can be allowed to do (http-api 2). */
export const IC_TOKEN_PERMISSIONS: readonly string[] = Object.freeze(['llm:call', 'analytics:write'])

/** What a new agent is made of. */
export interface NewAgent {
  readonly name: string
  readonly ownerId: string
  /** Default 0. */
  readonly allocated?: Microdollars | undefined
  /** In order of preference; duplicates are dropped. */
  readonly providerIds?: readonly string[] | undefined
  readonly description?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly icToken?: IcTokenOptions | undefined
}

/** A new agent whose every field has been checked. */
export interface CheckedAgent {
  readonly name: string
  readonly description: string | null
  readonly tags: readonly string[]
  readonly providerIds: readonly string[]
  readonly icToken: IcTokenOptions
}

/**
 * Checks everything that can be known without the database.
 *
 * @throws {AgentError} VALIDATION_ERROR naming every fault
 */
export function checkNewAgent(input: NewAgent, now: number): CheckedAgent {
  const faults = new Faults()
  const name = typeof input.name === 'string' ? input.name.trim() : input.name
  faults.text('name', name, { max: NAME_MAX })
  faults.id('ownerId', input.ownerId)
  if (input.description !== undefined) {
    faults.text('description', input.description, { min: 0, max: DESCRIPTION_MAX, multiline: true })
  }
  const tags = input.tags ?? []
  faults.check(tags.length <= TAGS_MAX, 'tags', `must be at most ${String(TAGS_MAX)}`)
  tags.forEach((tag, index) => faults.text(`tags[${String(index)}]`, tag, { max: TAG_MAX }))
  const providerIds = [...new Set(input.providerIds ?? [])]
  faults.check(providerIds.length <= PROVIDERS_MAX, 'providerIds', `must be at most ${String(PROVIDERS_MAX)}`)
  providerIds.forEach((id, index) => faults.id(`providerIds[${String(index)}]`, id))
  checkIcToken(faults, 'icToken', input.icToken ?? {}, now)
  faults.throwIfAny((details) => new AgentError('VALIDATION_ERROR', 'the agent is not valid', { details }))
  return {
    name,
    description: input.description ?? null,
    tags: [...new Set(tags)],
    providerIds,
    icToken: input.icToken ?? {},
  }
}

/** Adds what is wrong with the options of an IC token. */
export function checkIcToken(faults: Faults, path: string, options: IcTokenOptions, now: number): void {
  const { permissions, expiresAt } = options
  if (permissions !== undefined) {
    faults.check(permissions.length > 0, `${path}.permissions`, 'must not be empty')
    permissions.forEach((permission, index) => {
      faults.oneOf(`${path}.permissions[${String(index)}]`, permission, IC_TOKEN_PERMISSIONS)
    })
  }
  if (expiresAt !== undefined) {
    faults.integer(`${path}.expiresAt`, expiresAt, 0)
    faults.check(!(expiresAt <= now), `${path}.expiresAt`, 'must be in the future')
  }
}

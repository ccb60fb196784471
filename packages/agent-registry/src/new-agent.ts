import type { Microdollars } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import { checkDescription, checkName, checkProviderIds, checkTags } from './agent-fields.ts'
import { AgentError } from './errors.ts'
import { checkIcToken } from './ic-tokens/check-ic-token.ts'
import type { IcTokenOptions } from './ic-tokens/ic-token-info.ts'

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
  const checked: CheckedAgent = {
    name: checkName(faults, input.name),
    description: checkDescription(faults, input.description ?? null),
    tags: checkTags(faults, input.tags ?? []),
    providerIds: checkProviderIds(faults, input.providerIds ?? []),
    icToken: checkIcToken(faults, 'icToken.', input.icToken ?? {}, now),
  }
  faults.id('ownerId', input.ownerId)
  faults.throwIfAny((details) => new AgentError('VALIDATION_ERROR', 'the agent is not valid', { details }))
  return checked
}

import { Faults } from '@iron/database'
import { checkDescription, checkName, checkTags } from './agent-fields.ts'
import { AgentError } from './errors.ts'

/** What may be changed of an agent; what is absent stays. */
export interface AgentChange {
  readonly name?: string | undefined
  /** Null clears it. */
  readonly description?: string | null | undefined
  /** Replaces all. */
  readonly tags?: readonly string[] | undefined
  /** An active user; the agent's whole history moves along. */
  readonly ownerId?: string | undefined
}

/** @throws {AgentError} VALIDATION_ERROR naming every fault, also for a change of nothing (VAL-05) */
export function checkAgentChange(id: string, change: AgentChange): AgentChange {
  const { name, description, tags, ownerId } = change
  const faults = new Faults()
  faults.id('id', id)
  const given = [name, description, tags, ownerId].some((value) => value !== undefined)
  faults.check(given, '$', 'must change something')
  if (ownerId !== undefined) faults.id('ownerId', ownerId)
  const checked: AgentChange = {
    ownerId,
    name: name === undefined ? undefined : checkName(faults, name),
    description: description === undefined ? undefined : checkDescription(faults, description),
    tags: tags === undefined ? undefined : checkTags(faults, tags),
  }
  faults.throwIfAny((details) => new AgentError('VALIDATION_ERROR', 'the change is not valid', { details }))
  return checked
}

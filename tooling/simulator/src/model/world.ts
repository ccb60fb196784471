/** The whole installation as the model sees it: agents, their owners, budget requests. */
import type { Answer, Command, Outcome, Sent } from '../commands.ts'
import type { AgentModel } from './agent.ts'
import { answerMessage } from './messages.ts'
import { answerOrder } from './orders.ts'
import type { OwnerModel } from './owner.ts'
import { MINUTE, SECOND } from '../rules.ts'
import { Told } from './told.ts'

/** How far in the future a token may have been issued (packages.md, ic-token). */
const TOKEN_SKEW_MS = MINUTE

/** A budget request (budget protocol 14). */
export interface ModelRequest {
  readonly agentId: string
  readonly requested: number
  status: 'pending' | 'approved' | 'rejected' | 'cancelled'
}

export class WorldModel {
  readonly told = new Told()
  readonly agents = new Map<string, AgentModel>()
  readonly owners = new Map<string, OwnerModel>()
  readonly requests = new Map<string, ModelRequest>()
  readonly #issued = new Map<string, number>()
  /** Whose leases E3 and E4 are promised for. */
  readonly conforming: (runtime: string) => boolean

  constructor(conforming: (runtime: string) => boolean) {
    this.conforming = conforming
  }

  agent(id: string): AgentModel {
    return found(this.agents, id)
  }

  owner(id: string): OwnerModel {
    return found(this.owners, id)
  }

  request(id: string): ModelRequest {
    return found(this.requests, id)
  }

  /** Gives an agent a token, which it returns. */
  issue(agent: AgentModel, text: string, issuedAt: number): string {
    agent.token = { text, issuedAt }
    this.#issued.set(text, issuedAt)
    return text
  }

  /** The code with which a message's token is refused. */
  refusedToken({ agentId, token }: Sent, clock: number): string | undefined {
    const issuedAt = found(this.#issued, token)
    // A token carries whole seconds.
    if (issuedAt - (issuedAt % SECOND) > clock + TOKEN_SKEW_MS) return 'UNAUTHORIZED'
    return this.agent(agentId).token?.text === token ? undefined : 'TOKEN_REVOKED'
  }

  /** What all agents of an owner hold. */
  reservedOf(ownerId: string): number {
    let sum = 0
    for (const agent of this.agents.values()) if (agent.ownerId === ownerId) sum += agent.reserved
    return sum
  }

  /**
   * Runs a command and says how it must have ended. `actual` is only looked at for what a server makes up: ids and tokens.
   *
   * @param clock of the server, epoch ms
   */
  apply(command: Command, clock: number, actual: Answer): Outcome {
    const outcome =
      'order' in command
        ? answerOrder(this, command.order, clock, actual)
        : answerMessage(this, command.sent, clock, actual)
    return typeof outcome === 'string' ? { refused: outcome } : { answer: outcome }
  }
}

function found<V>(map: ReadonlyMap<string, V>, id: string): V {
  const value = map.get(id)
  if (value === undefined) throw new Error(`the model knows no ${id}`)
  return value
}

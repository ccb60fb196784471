/** Makes calls and writes down what was asked, what came back, and when. */
import { type Answer, type Client, Hang } from '@iron/cluster'
import type { Balance, Call, Intention, Outcome, Told } from './history.ts'
import { microsOf } from './money.ts'

export interface Ask {
  readonly agentId: string
  readonly key: string
  readonly intention: Intention
  readonly token?: number
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly headers: Readonly<Record<string, string>>
}

type Body = Readonly<Record<string, unknown>>

export class Recorder {
  readonly calls: Call[] = []
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  /** One attempt. @returns what came of it, and the answer if there was one */
  async call(ask: Ask, read: (body: Body) => Told = toldBy): Promise<{ outcome: Outcome; answer?: Answer }> {
    const startedAt = performance.now()
    const answer = await this.#answer(ask)
    const outcome = outcomeOf(answer, read)
    this.#note(ask, startedAt, outcome)
    return { outcome, ...(answer !== undefined && { answer }) }
  }

  /** One report or several in one message: a call each, with the same start and end. */
  async batch(asks: readonly Ask[], message: Pick<Ask, 'path' | 'body' | 'headers'>): Promise<Outcome[]> {
    const startedAt = performance.now()
    const answer = await this.#answer({ method: 'POST', ...message })
    const results = (answer?.body['results'] ?? []) as readonly Body[]
    const outcomes = asks.map((_, index): Outcome => {
      const result = results[index]
      if (result === undefined) return outcomeOf(answer, toldBy)
      if (result['status'] === 'error') return { kind: 'refused', status: 200, code: String(result['code']) }
      return { kind: 'done', told: toldBy(result) }
    })
    for (const [index, ask] of asks.entries()) this.#note(ask, startedAt, outcomes[index] as Outcome)
    return outcomes
  }

  async #answer({
    method,
    path,
    body,
    headers,
  }: Pick<Ask, 'method' | 'path' | 'body' | 'headers'>): Promise<Answer | undefined> {
    try {
      return await this.#client.call(method, path, body, headers)
    } catch (error) {
      // A connection that breaks is what this is about; an answer that never comes is a fault.
      if (error instanceof Hang) throw error
      return undefined
    }
  }

  #note({ agentId, key, intention, token }: Ask, startedAt: number, outcome: Outcome): void {
    this.calls.push({ agentId, key, intention, token, startedAt, endedAt: performance.now(), outcome })
  }
}

function outcomeOf(answer: Answer | undefined, read: (body: Body) => Told): Outcome {
  if (answer === undefined || answer.status === 503) return { kind: 'unknown' }
  const { status, body } = answer
  if (status < 300) return { kind: 'done', told: read(body) }
  return { kind: 'refused', status, code: String(body['code']) }
}

/** What any answer of the budget protocol and of budgets says. */
export function toldBy(body: Body): Told {
  const balance = body['budget'] as Body | undefined
  return {
    ...(body['duplicate'] !== undefined && { duplicate: body['duplicate'] === true }),
    ...(body['lease_id'] !== undefined && { leaseId: body['lease_id'] as string }),
    ...(body['granted_usd'] !== undefined && { granted: microsOf(body['granted_usd']) }),
    ...(body['id'] !== undefined && { id: body['id'] as string }),
    ...(balance !== undefined && { balance: balanceOf(balance) }),
  }
}

/** Of an answer that is a budget itself. */
export function toldByBudget(body: Body): Told {
  const change = body['change_usd']
  return { balance: balanceOf(body), ...(change !== undefined && { change: microsOf(change) }) }
}

export function balanceOf(body: Body): Balance {
  const version = body['allocation_version']
  return {
    allocated: microsOf(body['allocated_usd']),
    spent: microsOf(body['spent_usd']),
    reserved: microsOf(body['reserved_usd']),
    remaining: microsOf(body['remaining_usd']),
    overdrawn: microsOf(body['overdrawn_usd']),
    ...(version !== undefined && { version: Number(version) }),
  }
}

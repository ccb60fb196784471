/**
 * One operation, killed at one point: what is there after the restart, and what a retry makes of it. What the operation leaves
 * when nothing happens to it is measured, so no expectation is written down here.
 */
import { type Answer, type Client, hold } from '@iron/cluster'
import { difference, type Footprint, footprintOf } from './footprint.ts'
import { faultsOf, isPresent, type Outcome, type Undisturbed } from './judge.ts'
import type { KillableServer } from './killable-server.ts'
import type { Operation, Request } from './operations.ts'
import { createSubject } from './subject.ts'

/** What a run that nobody disturbs shows. */
export interface Reference extends Undisturbed {
  /** The points that it passed, in order. */
  readonly points: readonly string[]
  /** Continuations of promises that ran meanwhile. */
  readonly awaits: number
}

export async function undisturbed(server: KillableServer, operation: Operation): Promise<Reference> {
  const trial = await Trial.begin(server, operation)
  const told = server.nextTold()
  const first = await trial.send(0)
  const { points = [], awaits = 0 } = await told
  hold(points.length > 0, 'no point was counted')
  hold(Object.keys(first.effect).length > 0, `the operation did nothing: ${first.status}`)
  return { first, again: await trial.send(), points, awaits }
}

/** What a kill at a point led to. */
export interface Verdict {
  /** Whether it was answered before the process died. */
  readonly acknowledged: boolean
  /** Whether the effect was there after the restart. */
  readonly present: boolean
}

/**
 * @returns undefined when the operation was complete before that point
 * @throws {Violation} when something acknowledged is lost, something is half there, or a retry does not give one effect
 */
export async function killedAt(
  crashAt: number,
  server: KillableServer,
  operation: Operation,
  reference: Reference,
): Promise<Verdict | undefined> {
  const trial = await Trial.begin(server, operation)
  const told = server.nextTold()
  const answer = await trial.call(crashAt).catch(() => undefined)
  const { point } = await told
  if (point === undefined) return undefined
  await server.restart()
  const killed = {
    acknowledged: answer !== undefined,
    effect: await trial.look(),
    retried: await trial.send(),
    retriedAgain: await trial.send(),
  }
  const faults = faultsOf(killed, reference)
  hold(faults.length === 0, `killed at ${crashAt} (${point}): ${faults.join('; ')}`)
  return { acknowledged: killed.acknowledged, present: isPresent(killed, reference) }
}

/** An operation that can be sent again and again, and what it has left behind since it was last looked at. */
class Trial {
  readonly #server: KillableServer
  readonly #request: Request
  readonly #read: (client: Client) => Promise<Footprint>
  #seen: Footprint

  private constructor(
    server: KillableServer,
    request: Request,
    read: (client: Client) => Promise<Footprint>,
    seen: Footprint,
  ) {
    this.#server = server
    this.#request = request
    this.#read = read
    this.#seen = seen
  }

  static async begin(server: KillableServer, operation: Operation): Promise<Trial> {
    const subject = await createSubject(server.client, server.admin)
    const request = await operation(server.client, subject)
    const read = (client: Client): Promise<Footprint> => footprintOf(client, subject)
    return new Trial(server, request, read, await read(server.client))
  }

  call(crashAt?: number): Promise<Answer> {
    const { method, path, body, headers } = this.#request
    const sent = { ...headers, ...(crashAt !== undefined && { 'X-Crash-At': String(crashAt) }) }
    return this.#server.client.call(method, path, body, sent)
  }

  async send(crashAt?: number): Promise<Outcome> {
    const { status } = await this.call(crashAt)
    return { status, effect: await this.look() }
  }

  async look(): Promise<Footprint> {
    const before = this.#seen
    this.#seen = await this.#read(this.#server.client)
    return difference(before, this.#seen)
  }
}

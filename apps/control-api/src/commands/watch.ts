import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithOutput } from './lost-output.ts'
import { EventStream, type StreamedEvent } from './remote/event-stream.ts'
import { serverAccess, ServerError, type ServerOptions } from './remote/server-api.ts'
import { plain } from './remote/table.ts'

/** How `iron watch` is called. */
export interface WatchOptions extends ServerOptions {
  /** Types, or groups such as `budget.*`. */
  readonly types: readonly string[]
  readonly agent: readonly string[]
  /** The `seq` of the last event that is known already. */
  readonly since?: number | undefined
  /** Ends after so many events. */
  readonly count?: number | undefined
  readonly json?: boolean | undefined
}

/** First and longest step of the wait before a new connection, in milliseconds (websocket 9). */
const WAIT_FIRST_MS = 1_000
const WAIT_LONGEST_MS = 30_000
/** A connection that held for so long was a good one. */
const STABLE_MS = 60_000

/**
 * `iron watch`: live events, one a line, until it is interrupted. A lost connection is made again from the last event shown, so that none
 * is missed and none is shown twice.
 */
export async function watch({ types, agent, since, count, json, ...server }: WatchOptions): Promise<void> {
  const access = serverAccess(server)
  endWithOutput()
  let [position, left, waitMs] = [since, count ?? Number.POSITIVE_INFINITY, WAIT_FIRST_MS]
  let wasOpen = false
  for (;;) {
    const beganMs = performance.now()
    const stream = new EventStream(access, { types, agents: agent, since: position, notice })
    for await (const event of stream) {
      const text = json === true ? JSON.stringify(event) : lineOf(event)
      // Whoever reads slowly slows the stream, which the server notices, and not this program's memory.
      if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain')
      left -= 1
      if (left <= 0) return
    }
    if (!stream.wasOpen && !wasOpen) throw new ServerError(stream.end)
    wasOpen = true
    position = stream.position
    if (performance.now() - beganMs > STABLE_MS) waitMs = WAIT_FIRST_MS
    notice(`${stream.end}; connecting again`)
    await sleep(Math.random() * waitMs)
    waitMs = Math.min(WAIT_LONGEST_MS, waitMs * 2)
  }
}

function lineOf({ timestamp, seq, type, agent_id: agentId, data }: StreamedEvent): string {
  const facts = Object.entries(data)
    .filter(([, value]) => value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name}=${String(value)}`)
  return plain([timestamp, String(seq), type, agentId, ...facts].join(' '))
}

function notice(text: string): void {
  process.stderr.write(`iron: ${plain(text)}\n`)
}

/** What does it cost to tell a thousand sockets of an event? */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { processorSeconds, startProcess, type StartedProcess } from '@iron/test-kit'
import { WebSocket } from 'ws'
import { withDatabase } from '../http/subject.ts'
import { assert } from '../micro.ts'
import type { Figures, Question } from '../question.ts'
import { ADMIN, call, startServer } from '../server.ts'

const CLIENTS = Number(process.env['IRON_TEST_BENCH_CLIENTS'] ?? 1_000)
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 3)
/** Few enough for clients that have the other core of two. */
const EVENTS_PER_SECOND = 40
/** Events that come at the same time. */
const EVENTS_OF_BATCH = 10
const WARM_UP_SECONDS = 1
/** Of a frame; in those of the limit a text makes up for what ours say more. */
const FRAME_BYTES = 600
const FRAME_BYTES_OFF_MAX = 20
const MARK = 'x'.repeat(100)
const BARE = 'bare ws'
const bareServer = fileURLToPath(new URL('../servers/bare-fan-out.ts', import.meta.url))

/** Frames with an event, counted over all sockets. */
class Audience {
  readonly #sockets: WebSocket[] = []
  delivered = 0

  async join(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
    while (this.#sockets.length < CLIENTS) {
      const socket = new WebSocket(url, { headers, perMessageDeflate: false, skipUTF8Validation: true })
      socket.on('message', (frame: Buffer) => {
        if (!frame.includes(MARK)) return
        assert(Math.abs(frame.length - FRAME_BYTES) <= FRAME_BYTES_OFF_MAX, `a frame has ${frame.length} bytes`)
        this.delivered += 1
      })
      await new Promise((resolve, reject) => {
        socket.once('open', resolve)
        socket.once('error', reject)
      })
      this.#sockets.push(socket)
    }
  }

  leave(): void {
    for (const socket of this.#sockets) socket.terminate()
  }
}

/** Frames a second of the server's processor time, while `tell` has events told. */
async function perProcessorSecond(
  { pid }: StartedProcess,
  audience: Audience,
  tell: (seconds: number) => Promise<void>,
): Promise<Figures> {
  await tell(WARM_UP_SECONDS)
  const before = { seconds: processorSeconds(pid), delivered: audience.delivered }
  await tell(SECONDS)
  const seconds = processorSeconds(pid) - before.seconds
  const delivered = audience.delivered - before.delivered
  const share = delivered / (CLIENTS * EVENTS_PER_SECOND * SECONDS)
  assert(share > 0.5, `${Math.round(share * 100)} % were delivered`)
  return { perSecond: delivered / seconds }
}

/** Events come in by telemetry, are written, and are read again for the sockets: all of it counts. */
async function iron(): Promise<Figures> {
  return withDatabase('sqlite', async (url) => {
    const sockets = String(CLIENTS)
    const { address, process } = await startServer(url, {
      IRON_WS_MAX_PER_PRINCIPAL: sockets,
      IRON_WS_MAX_PER_ADDRESS: sockets,
    })
    const audience = new Audience()
    try {
      const login = await call(address, '/auth/login', ADMIN)
      const admin = { Authorization: `Bearer ${String(login['access_token'])}` }
      const agent = await call(address, '/agents', { name: 'bench', allocated_usd: 1 }, admin)
      const runtime = { 'X-IC-Token': (agent['ic_token'] as unknown as { token: string }).token }
      await audience.join(`${address.replace('http', 'ws')}/ws`, admin)
      let told = 0
      const tell = async (seconds: number): Promise<void> => {
        const from = performance.now()
        for (let batch = 1; batch <= (seconds * EVENTS_PER_SECOND) / EVENTS_OF_BATCH; batch += 1) {
          const events = Array.from({ length: EVENTS_OF_BATCH }, () => failedCall((told += 1)))
          await call(address, '/analytics/events', { events }, runtime)
          await sleep(Math.max(0, from + (batch * EVENTS_OF_BATCH * 1_000) / EVENTS_PER_SECOND - performance.now()))
        }
      }
      return await perProcessorSecond(process, audience, tell)
    } finally {
      audience.leave()
      await process.stop()
    }
  })
}

function failedCall(number: number) {
  return {
    event_id: `event-${number}`,
    type: 'request.failed',
    request_id: `call-${number}`,
    model: 'gpt-4o',
    error_code: 'upstream',
    error_message: MARK,
    timestamp: new Date().toISOString(),
  }
}

/** Frames of as many bytes that are made once, and nothing else. */
async function bare(): Promise<Figures> {
  const envelope = JSON.stringify({
    type: 'bare.event',
    seq: 1_000,
    timestamp: new Date().toISOString(),
    data: { text: '' },
  })
  const text = MARK.padEnd(FRAME_BYTES - envelope.length, '-')
  const process = await startProcess(globalThis.process.execPath, [bareServer, String(EVENTS_PER_SECOND), text], {
    ready: /listening on (\d+)/,
  })
  const audience = new Audience()
  try {
    await audience.join(`ws://127.0.0.1:${process.ready[1] ?? ''}`, {})
    return await perProcessorSecond(process, audience, async (seconds) => sleep(seconds * 1_000))
  } finally {
    audience.leave()
    await process.stop()
  }
}

export const questions: Readonly<Record<string, Question>> = {
  'fan-out': {
    figures: {
      perSecond: {
        title: 'events to 1,000 sockets, a second of processor time',
        unit: '/s',
        better: 'more',
        targets: [{ against: BARE, times: 0.8 }],
      },
    },
    contestants: [
      { role: 'ours', name: 'iron', measure: iron },
      { role: 'limit', name: BARE, measure: bare },
    ],
  },
}

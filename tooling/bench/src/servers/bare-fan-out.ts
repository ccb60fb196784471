// The least that a fan-out can be: frames in batches of ten, made once each and sent to every client.
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const [, , perSecond = '200', text = ''] = process.argv
const BATCH = 10
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
let seq = 0
setInterval(
  () => {
    for (let index = 0; index < BATCH; index += 1) {
      const event = { type: 'bare.event', seq: (seq += 1), timestamp: new Date().toISOString(), data: { text } }
      const frame = Buffer.from(JSON.stringify(event))
      for (const client of server.clients) client.send(frame, { binary: false })
    }
  },
  (BATCH * 1_000) / Number(perSecond),
)
server.on('listening', () => process.stdout.write(`listening on ${String((server.address() as AddressInfo).port)}\n`))

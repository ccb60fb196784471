// A client from an address of its own that opens as many sockets as it can, for `bench-flood.ts`: a third asks for the event stream
// without a credential, a third with one, a third never speaks. None ever reads what it is sent.
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const [host = '', port = '', token = '', address = '', count = ''] = process.argv.slice(2)
/** Ports are named: looking for a free one takes the kernel longer the more there are. */
const FIRST_PORT = 20_000
/** Opened before the loop lets what has been answered through. */
const AT_ONCE = 50

const upgrade = (headers: string): string =>
  `GET /ws HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${headers}\r\n`

for (let index = 0; index < Number(count); index += 1) {
  const socket = net.connect({ host, port: Number(port), localAddress: address, localPort: FIRST_PORT + index })
  socket.on('error', () => undefined)
  socket.on('connect', () => {
    if (index % 3 === 0) socket.write(upgrade(''))
    if (index % 3 === 1) socket.write(upgrade(`Authorization: Bearer ${token}\r\n`))
    socket.pause()
  })
  if (index % AT_ONCE === 0) await sleep(1)
}
process.stdout.write(`asked for ${count}\n`)
// Stays, with all that it has, until it is stopped.
setInterval(() => undefined, 60_000)

/**
 * A tiny TCP balancer: each connection goes to the next server in turn that takes it. It reads nothing of what passes, so it
 * carries HTTP and WebSocket alike; a server that is gone costs its connections and no others.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

/** How long a server may take to accept a connection before the next one is tried, in milliseconds. */
const CONNECT_WITHIN_MS = 1_000

export interface Balancer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly address: string
  readonly port: number
}

/** Listens on `port` (default: a free one) of the loopback address. `servers` is asked anew for every connection. */
export async function startBalancer(servers: () => readonly { readonly port: number }[], port = 0): Promise<Balancer> {
  const open = new Set<Socket>()
  let turn = 0
  const server: Server = createServer((client) => {
    open.add(client)
    client.on('close', () => open.delete(client))
    client.on('error', () => client.destroy())
    const ports = servers().map((each) => each.port)
    turn += 1
    void forward(
      client,
      ports.map((_, index) => ports[(turn + index) % ports.length] as number),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  return {
    address: `http://127.0.0.1:${bound}`,
    port: bound,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** Tries the servers in order; when none takes the connection, it is closed. */
async function forward(client: Socket, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const upstream = await accepted(port)
    if (upstream === undefined) continue
    upstream.on('error', () => client.destroy())
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
    if (client.destroyed) upstream.destroy()
    else client.pipe(upstream).pipe(client)
    return
  }
  client.destroy()
}

function accepted(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const late = setTimeout(() => refuse(), CONNECT_WITHIN_MS)
    const refuse = (): void => {
      clearTimeout(late)
      socket.destroy()
      resolve(undefined)
    }
    socket.once('error', refuse)
    socket.once('connect', () => {
      clearTimeout(late)
      socket.removeListener('error', refuse)
      resolve(socket)
    })
  })
}

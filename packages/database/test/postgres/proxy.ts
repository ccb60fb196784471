/**
 * A network between a client and PostgreSQL that can be made to fail: connections that are cut, that are not made, that swallow
 * everything while they look alive, and answers that never arrive although the server acted.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/** What happens to a connection that sends a given text: once, to the first that does. */
export type Fate =
  /** The text never reaches the server. */
  | 'cut before'
  /** The server acts on it, and its answer is lost with the connection. */
  | 'cut after'
  /** The server acts on it, and its answer never arrives; the connection stays. */
  | 'hang after'
  /** It arrives as something that the server cannot read; the connection stays. */
  | 'garbled'

export interface Proxy extends AsyncDisposable {
  /** Connections that are open through it. */
  readonly open: number
  /** The same database through the proxy. */
  through(url: string): string
  /** Cuts every connection; new ones are possible. */
  cut(): void
  /** Nothing passes any more, in either direction; every socket stays open, and new ones are accepted. */
  hang(): void
  /** What was held up passes on. */
  flow(): void
  /** Refuses new connections until {@link admit}. */
  refuse(): Promise<void>
  admit(): Promise<void>
  /** Resolves when the fate has befallen a connection. */
  doom(text: string, fate: Fate): Promise<void>
}

function garble(chunk: Buffer, text: string): Buffer {
  return Buffer.from(chunk.toString('latin1').replace(text, '?'.repeat(text.length)), 'latin1')
}

export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const pairs = new Set<Pair>()
  let isHanging = false
  let doomed: { readonly text: string; readonly fate: Fate; readonly done: () => void } | undefined

  const destroy = ({ client, server }: Pair): void => {
    client.destroy()
    server.destroy()
  }
  const befall = (pair: Pair, fate: Fate, request: Buffer): void => {
    const { client, server } = pair
    if (fate === 'cut before') {
      destroy(pair)
      return
    }
    server.removeAllListeners('data')
    // It has acted when it answers; only then is the answer lost.
    server.once('data', () => (fate === 'cut after' ? destroy(pair) : server.pause()))
    client.removeAllListeners('data')
    server.write(request)
  }
  const accept = (client: Socket): void => {
    const pair = { client, server: connect(Number(port), hostname) }
    pairs.add(pair)
    client.on('data', (chunk) => {
      if (doomed === undefined || !chunk.includes(doomed.text)) return pair.server.write(chunk)
      const { text, fate, done } = doomed
      doomed = undefined
      if (fate === 'garbled') pair.server.write(garble(chunk, text))
      else befall(pair, fate, chunk)
      done()
    })
    pair.server.on('data', (chunk) => client.write(chunk))
    for (const socket of [client, pair.server]) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        pairs.delete(pair)
        destroy(pair)
      })
      if (isHanging) socket.pause()
    }
  }

  let listening: Server
  const listen = async (at: number): Promise<void> => {
    listening = createServer(accept)
    await new Promise<void>((resolve) => listening.listen(at, '127.0.0.1', resolve))
  }
  const refuse = (): Promise<void> =>
    new Promise((resolve) => {
      listening.close(() => resolve())
      for (const pair of pairs) destroy(pair)
    })
  await listen(0)
  const own = (listening!.address() as { readonly port: number }).port

  return {
    get open() {
      return pairs.size
    },
    through: (url) => {
      const parsed = new URL(url)
      parsed.host = `127.0.0.1:${String(own)}`
      return parsed.href
    },
    cut: () => {
      for (const pair of pairs) destroy(pair)
    },
    hang: () => {
      isHanging = true
      for (const { client, server } of pairs) [client, server].map((socket) => socket.pause())
    },
    flow: () => {
      isHanging = false
      for (const { client, server } of pairs) [client, server].map((socket) => socket.resume())
    },
    refuse,
    admit: () => listen(own),
    doom: (text, fate) => new Promise((done) => (doomed = { text, fate, done: () => done() })),
    [Symbol.asyncDispose]: refuse,
  }
}

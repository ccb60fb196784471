import { createServer } from 'node:net'

/**
 * A TCP port on 127.0.0.1 that nobody listens on. Another process may take it before it is used: prefer `PORT=0` where
 * a program can choose for itself, and try again elsewhere.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('The listener has no port'))
        else resolve(address.port)
      })
    })
  })
}

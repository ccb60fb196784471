/** An HTTP client with a bounded number of keep-alive connections, which knows how long every answer took. */
import http from 'node:http'

/** An answer's body: the object that JSON gives; empty for any other text. */
type Body = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Body
  readonly text: string
  /** From sending the request to the end of its answer, in milliseconds. */
  readonly tookMs: number
}

/** No answer came within the client's patience: what must never happen. */
export class Hang extends Error {}

/** Longer than every deadline of the server (10 s to the commit, the same for a lookup before it), in milliseconds. */
const PATIENCE_MS = 25_000

export class Client implements Disposable {
  readonly #agent: http.Agent
  readonly #address: URL

  constructor(address: string, connections = 10) {
    this.#address = new URL(address)
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  }

  /** @throws {Hang}; Error when the connection breaks before the answer is complete */
  call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const sent: Record<string, string> = { ...headers }
    if (payload !== undefined) {
      sent['Content-Type'] = 'application/json'
      sent['Content-Length'] = String(Buffer.byteLength(payload))
    }
    const began = performance.now()
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#address
      const target = { hostname, port, method, path: `/api/v1${path}`, headers: sent, agent: this.#agent }
      const request = http.request(target, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          clearTimeout(patience)
          const text = Buffer.concat(chunks).toString('utf8')
          const isJson = (response.headers['content-type'] ?? '').includes('json')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: isJson && text !== '' ? (JSON.parse(text) as Body) : {},
            text,
            tookMs: performance.now() - began,
          })
        })
      })
      const patience = setTimeout(() => request.destroy(new Hang(`${method} ${path}: no answer`)), PATIENCE_MS)
      request.on('error', (error) => {
        clearTimeout(patience)
        reject(error)
      })
      request.end(payload)
    })
  }

  /** @throws Error with the answer unless its status is 2xx */
  async must(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Body> {
    const answer = await this.call(method, path, body, headers)
    if (answer.status >= 200 && answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

import http from 'node:http'

/** An answer, its body parsed when it is JSON. */
export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look at any part of any answer
  readonly body: any
}

/** A request and what was answered. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly sent: unknown
  readonly sentHeaders: Readonly<Record<string, string>>
  readonly answer: Answer
}

/** A client with a bounded number of keep-alive connections. */
export class HttpClient implements Disposable {
  readonly #agent: http.Agent
  readonly #address: URL
  readonly #check: ((exchange: Exchange) => void) | undefined

  /** @param options `check` sees every exchange; what it throws fails the request */
  constructor(
    address: string,
    options: { readonly connections?: number; readonly check?: (exchange: Exchange) => void } = {},
  ) {
    this.#check = options.check
    this.#address = new URL(address)
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: options.connections ?? 10 })
  }

  /** Rejects when the connection breaks before the answer is complete. */
  request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const payload = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const sent: Record<string, string> = { ...headers }
    if (payload !== undefined) {
      sent['Content-Type'] ??= 'application/json'
      sent['Content-Length'] = String(payload.length)
    }
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#address
      const request = http.request({ hostname, port, method, path, headers: sent, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const json = (response.headers['content-type'] ?? '').includes('json')
          const answer = {
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: json && text !== '' ? JSON.parse(text) : text,
          }
          try {
            this.#check?.({ method, path, sent: body, sentHeaders: headers, answer })
          } catch (error) {
            reject(error instanceof Error ? error : new Error('the check failed', { cause: error }))
            return
          }
          resolve(answer)
        })
      })
      request.on('error', reject)
      request.end(payload)
    })
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('GET', `/api/v1${path}`, undefined, headers)
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('POST', `/api/v1${path}`, body, headers)
  }

  put(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('PUT', `/api/v1${path}`, body, headers)
  }

  patch(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('PATCH', `/api/v1${path}`, body, headers)
  }

  delete(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('DELETE', `/api/v1${path}`, undefined, headers)
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

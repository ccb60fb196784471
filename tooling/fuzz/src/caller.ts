/** Ordinary calls, for what must be there before and after the hostile ones. */
import { type Answer, KeptConnection } from './wire.ts'

/** Credentials and the like. */
export type Headers = Readonly<Record<string, string>>

/** How long an ordinary call may take, in milliseconds: a busy machine hashes a password in seconds. */
const PATIENCE_MS = 60_000

type Body = Readonly<Record<string, unknown>>

export class Caller {
  readonly port: number

  constructor(port: number) {
    this.port = port
  }

  /** @throws Error when no answer comes */
  async call(method: string, path: string, body?: unknown, headers: Headers = {}): Promise<Answer> {
    using connection = new KeptConnection(this.port)
    const payload = body === undefined ? '' : Buffer.from(JSON.stringify(body)).toString('latin1')
    const lines = [
      `${method} ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${payload.length}`]),
    ]
    const { answers } = await connection.exchange(`${lines.join('\r\n')}\r\n\r\n${payload}`, false, PATIENCE_MS)
    const [answer] = answers
    if (answer === undefined) throw new Error(`${method} ${path}: no answer`)
    return answer
  }

  /** @throws Error with the answer unless it is a success */
  async must(method: string, path: string, body?: unknown, headers: Headers = {}): Promise<Body> {
    const answer = await this.call(method, `/api/v1${path}`, body, headers)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`)
    return answer.body === '' ? {} : (JSON.parse(answer.body) as Body)
  }
}

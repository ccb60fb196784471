/** Bytes out, answers back: no HTTP client stands between, which would refuse to send what is to be tried. */
import net from 'node:net'

/** One answer as it came. */
export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What came back on a connection. */
export interface Exchange {
  /** The final answers, in order; interim ones (1xx) are left out. */
  readonly answers: readonly Answer[]
  /** What followed the last of them and is none: nothing, or frames after an upgrade. */
  readonly rest: string
  /** Neither the answer nor the end of the connection came within the deadline. */
  readonly hangs: boolean
}

/** One request on a connection of its own, half closed after the bytes. */
export function exchangeAlone(port: number, bytes: string, isHead: boolean, deadlineMs: number): Promise<Exchange> {
  return new Promise((resolve) => {
    let text = ''
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      socket.write(bytes, 'latin1')
      socket.end()
    })
    socket.setEncoding('latin1')
    const finish = (hangs: boolean): void => {
      clearTimeout(deadline)
      socket.destroy()
      resolve({ ...readAnswers(text, isHead), hangs })
    }
    const deadline = setTimeout(() => finish(true), deadlineMs)
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('end', () => finish(false))
    // A reset is an end too.
    socket.on('error', () => finish(false))
    socket.on('close', () => finish(false))
  })
}

/** A connection that is kept for one request after the other. */
export class KeptConnection implements Disposable {
  readonly #port: number
  #socket: net.Socket | undefined
  #text = ''
  #changed: () => void = () => undefined
  #ended = true

  constructor(port: number) {
    this.#port = port
  }

  /** One well-formed request: the first whole answer, or what there was until the connection ended. */
  async exchange(bytes: string, isHead: boolean, deadlineMs: number): Promise<Exchange> {
    if (this.#socket === undefined || this.#ended) this.#open()
    this.#text = ''
    this.#socket?.write(bytes, 'latin1')
    const until = performance.now() + deadlineMs
    for (;;) {
      const read = readAnswers(this.#text, isHead)
      if (read.answers.length > 0 || this.#ended) {
        const [{ status, headers } = { status: 0, headers: {} }] = read.answers as Partial<Answer>[]
        const isLast = status === 101 || headers?.['connection'] === 'close' || read.rest !== ''
        if (this.#ended || isLast) this[Symbol.dispose]()
        return { ...read, hangs: false }
      }
      const leftMs = until - performance.now()
      if (leftMs <= 0) {
        this[Symbol.dispose]()
        return { ...read, hangs: true }
      }
      await this.#change(leftMs)
    }
  }

  #open(): void {
    this.#ended = false
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    socket.setEncoding('latin1')
    const isCurrent = (): boolean => this.#socket === socket
    const end = (): void => {
      if (!isCurrent()) return
      this.#ended = true
      this.#changed()
    }
    socket.on('data', (chunk: string) => {
      if (!isCurrent()) return
      this.#text += chunk
      this.#changed()
    })
    socket.on('error', end)
    socket.on('close', end)
    this.#socket = socket
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      this.#changed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy()
    this.#socket = undefined
    this.#ended = true
  }
}

/** Whole answers from the beginning of a text. */
function readAnswers(text: string, isHead: boolean): Pick<Exchange, 'answers' | 'rest'> {
  const answers: Answer[] = []
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(rest)?.[1])
    if (end < 0 || Number.isNaN(status)) return { answers, rest }
    const headers = readHeaders(rest.slice(0, end))
    const hasBody = !isHead && status >= 200 && status !== 204
    const length = hasBody ? Number(headers['content-length'] ?? 0) : 0
    const from = end + 4
    if (rest.length < from + length) return { answers, rest }
    const body = Buffer.from(rest.slice(from, from + length), 'latin1').toString('utf8')
    rest = rest.slice(from + length)
    if (status >= 200) answers.push({ status, headers, body })
    // Frames follow, not answers.
    if (status === 101) return { answers: [...answers, { status, headers, body }], rest: '' }
  }
}

function readHeaders(block: string): Record<string, string> {
  const lines = block.split('\r\n').slice(1)
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}

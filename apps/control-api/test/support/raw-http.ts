import net from 'node:net'

/** What came back on one connection. */
export interface RawExchange {
  /** Everything the server wrote. */
  readonly text: string
  /** How long it took until the server closed, in milliseconds. */
  readonly ms: number
}

/**
 * Writes bytes as they are and reads until the server closes. `halfClose` ends our side after writing, as a client does that
 * breaks off in the middle.
 */
export function rawExchange(
  port: number,
  bytes: string | readonly string[],
  options: { readonly halfClose?: boolean } = {},
): Promise<RawExchange> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    let text = ''
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      for (const part of typeof bytes === 'string' ? [bytes] : bytes) socket.write(part, 'latin1')
      if (options.halfClose === true) socket.end()
    })
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('end', () => socket.end())
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('close', () => resolve({ text, ms: performance.now() - began }))
  })
}

/** The answers in a text, one after the other. */
export function answersIn(text: string): { status: number; headers: string; body: string }[] {
  const answers = []
  let rest = text
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const headers = rest.slice(0, end)
    const length = Number(/^content-length: (\d+)$/im.exec(headers)?.[1] ?? 0)
    answers.push({ status: Number(headers.slice(9, 12)), headers, body: rest.slice(end + 4, end + 4 + length) })
    rest = end < 0 ? '' : rest.slice(end + 4 + length)
  }
  return answers
}

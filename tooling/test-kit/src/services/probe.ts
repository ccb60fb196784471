/**
 * Whether a service answers and lets us in. A listening port is not enough: a PostgreSQL that asks for a password is,
 * for a test without one, the same as none.
 */
import { connect } from 'node:net'

const ANSWER_WITHIN_MS = 3_000

/** Whether `SELECT 1` works at this URL. */
export async function postgresAnswers(url: string): Promise<boolean> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: ANSWER_WITHIN_MS })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Whether a PING is answered at this URL. */
export function redisAnswers(url: string): Promise<boolean> {
  const { hostname, port, username, password } = new URL(url)
  const login =
    password === '' ? '' : `AUTH ${[username, password].filter(Boolean).map(decodeURIComponent).join(' ')}\r\n`
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 6379) })
    let answer = ''
    const finish = (): void => {
      socket.destroy()
      resolve(answer.includes('+PONG'))
    }
    socket.setTimeout(ANSWER_WITHIN_MS, finish)
    socket.on('error', finish)
    socket.on('close', finish)
    socket.on('connect', () => socket.write(`${login}PING\r\n`))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (/\+PONG|-NOAUTH|-ERR|-WRONGPASS/.test(answer)) finish()
    })
  })
}

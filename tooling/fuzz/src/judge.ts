/** What must be true of every answer, whatever was asked. */
import type { Attempt } from './attempt.ts'
import type { Surface } from './operations.ts'
import type { Answer, Exchange } from './wire.ts'

/** What no answer may show: where the server's sources are, and what its database says. */
const INSIDE = /node_modules|SQLITE_[A-Z]+|\.ts:\d+:\d+|\bat \S+ \(|apps\/control-api|no such (?:table|column)/

/** Statuses that any request may be answered with, before a route is found or its document asked. */
const ANYWHERE = new Set([204, 400, 401, 404, 405, 413, 415, 426, 429, 431])

/** Says what is wrong with what came back; empty: nothing. */
export function faultsOf(surface: Surface, attempt: Attempt, { answers, hangs }: Exchange): string[] {
  if (hangs) return ['hangs: no answer and no end within the deadline']
  // A connection that is ended without a word is only right for what was not a whole request.
  if (answers.length === 0 && attempt.raw === undefined) return ['no answer']
  return answers.flatMap((answer, index) => answerFaults(surface, attempt, answer, index === 0))
}

function answerFaults(surface: Surface, attempt: Attempt, answer: Answer, isFirst: boolean): string[] {
  const { status, headers, body } = answer
  const faults: string[] = []
  const check = (holds: boolean, otherwise: string): void => {
    if (!holds) faults.push(otherwise)
  }
  check(status < 500 || isBusy(answer), `${status}: ${body.slice(0, 300)}`)
  check(!INSIDE.test(body), `tells of the inside: ${INSIDE.exec(body)?.[0] ?? ''}`)
  const canary = attempt.principal.forbidden.find(
    (each) => body.includes(each) || JSON.stringify(headers).includes(each),
  )
  check(canary === undefined, `${attempt.principal.name} is shown ${canary ?? ''}`)
  check(headers['x-request-id'] !== undefined, 'no X-Request-Id')
  check(!('x-injected' in headers), 'a header was injected')
  const { operation, isPlain } = attempt
  if (isFirst && isPlain) {
    check(operation.statuses.has(status) || ANYWHERE.has(status), `${status} is not documented for ${operation.name}`)
  }
  if (status >= 400 && attempt.method !== 'HEAD') faults.push(...envelopeFaults(surface, answer))
  return faults
}

/** The one failure of the server that is documented: it says when to come again. */
const isBusy = ({ status, body, headers }: Answer): boolean =>
  status === 503 && body.includes('"SERVICE_UNAVAILABLE"') && Number(headers['retry-after']) >= 1

function envelopeFaults({ codes }: Surface, { status, headers, body }: Answer): string[] {
  const faults: string[] = []
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return [`an error that is no JSON: ${body.slice(0, 200)}`]
  }
  const { error, code, details, ...others } = parsed as Readonly<Record<string, unknown>>
  if (typeof error !== 'string' || error === '') faults.push('an error without a text')
  if (typeof code !== 'string' || !codes.has(code)) faults.push(`a code that is not listed: ${String(code)}`)
  if (details !== undefined && (typeof details !== 'object' || details === null))
    faults.push('details that are no object')
  if (Object.keys(others).length > 0)
    faults.push(`an error with more than it should have: ${Object.keys(others).join()}`)
  if (status === 401 && headers['www-authenticate'] !== 'Bearer') faults.push('401 without WWW-Authenticate')
  if ((status === 429 || status === 503) && !(Number(headers['retry-after']) >= 1)) faults.push('no Retry-After')
  return faults
}

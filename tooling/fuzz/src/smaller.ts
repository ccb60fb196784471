/** Makes a request that fails smaller, for as long as it fails. */
import { type Attempt } from './attempt.ts'

/** Attempts that are made on the way. */
const TRIES_MAX = 60

/** @param fails whether an attempt still shows the same fault */
export async function smaller(attempt: Attempt, fails: (attempt: Attempt) => Promise<boolean>): Promise<Attempt> {
  let best = attempt
  let tries = 0
  for (let again = true; again && tries < TRIES_MAX;) {
    again = false
    for (const candidate of candidates(best)) {
      if ((tries += 1) > TRIES_MAX) break
      if (!(await fails(candidate))) continue
      best = candidate
      again = true
      break
    }
  }
  return best
}

function* candidates(attempt: Attempt): Generator<Attempt> {
  for (const [index, line] of attempt.headers.entries()) {
    if (line.startsWith('Host:')) continue
    yield { ...attempt, headers: attempt.headers.filter((_, each) => each !== index) }
  }
  const [path = '', query] = attempt.target.split('?', 2)
  const parameters = query?.split('&') ?? []
  for (const index of parameters.keys()) {
    const rest = parameters.filter((_, each) => each !== index)
    yield { ...attempt, target: rest.length === 0 ? path : `${path}?${rest.join('&')}` }
  }
  for (const body of smallerBodies(attempt.body)) yield { ...attempt, body }
}

function* smallerBodies(body: string): Generator<string> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    if (body.length > 8) yield body.slice(0, body.length / 2)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const name of Object.keys(value)) {
    const rest: unknown = Array.isArray(value)
      ? value.filter((_, index) => String(index) !== name)
      : Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))
    yield JSON.stringify(rest)
  }
}

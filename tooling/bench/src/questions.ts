/** Every question, by name. What is measured is loaded only in the process that measures it. */
import type { Question } from './question.ts'
import { questions as apiToken } from './questions/api-token.ts'
import { questions as cost } from './questions/cost.ts'
import { questions as fanOut } from './questions/fan-out.ts'
import { questions as icToken } from './questions/ic-token.ts'
import { questions as rateLimiter } from './questions/rate-limiter.ts'
import { questions as rbac } from './questions/rbac.ts'
import { questions as report } from './questions/report.ts'
import { questions as server } from './questions/server.ts'
import { questions as vault } from './questions/vault.ts'

/** By the file that asks them: `pnpm bench rbac` runs one file, `pnpm bench rbac-owner` one question. */
export const files: Readonly<Record<string, Readonly<Record<string, Question>>>> = {
  'rate-limiter': rateLimiter,
  rbac,
  'ic-token': icToken,
  vault,
  cost,
  'api-token': apiToken,
  main: report,
  'fan-out': fanOut,
  server,
}

const all: ReadonlyMap<string, Question> = new Map(Object.values(files).flatMap((file) => Object.entries(file)))

/** Names of the questions of a file, or of the question itself; every question without a name. */
export function namesOf(name: string | undefined): readonly string[] {
  if (name === undefined) return [...all.keys()]
  if (Object.hasOwn(files, name)) return Object.keys(files[name] ?? {})
  return all.has(name) ? [name] : []
}

/** @throws Error when there is none of this name */
export function questionOf(name: string): Question {
  const question = all.get(name)
  if (question === undefined) throw new Error(`there is no question ${name}`)
  return question
}

import type { IronDatabase, ReadTx } from '@iron/database'
import { explain, recordStatements } from '@iron/database/testing'
import type { List } from './lists.ts'

/** Entries of a page: the default of paged lists. */
const PER_PAGE = 50
/** Most entries of a log page that is timed: the default of logs. */
const LIMIT = 100
const ROUNDS = 15
const ROUNDS_MIN = 3
/** Rounds end when they have taken this long, in milliseconds. */
const ENOUGH_MS = 1_500

/** One answer of a list, by name. */
export interface Answer {
  readonly name: string
  readonly read: (tx?: ReadTx) => Promise<unknown>
}

/** The entries of a list's first page. */
export async function entriesOfPage(list: List): Promise<number> {
  const { data } = 'page' in list ? await list.page({ perPage: PER_PAGE }) : await list.log({ limit: LIMIT })
  return data.length
}

/**
 * The first and the last page of a list: by number with the total, or by the cursor that leads to the end of the log. Pages have
 * as many entries as are asked for, so that two worlds are asked for as much: a page of 3 entries and one of 100 tell nothing of
 * how a list grows.
 */
export async function answersOf(list: List, entries: number): Promise<readonly Answer[]> {
  const size = Math.max(1, entries)
  if ('page' in list) {
    const { total } = await list.page({ perPage: 1 })
    const last = Math.max(1, Math.ceil(total / size))
    return [
      { name: `${list.name}  first`, read: (tx) => list.page({ perPage: size, tx }) },
      { name: `${list.name}  last`, read: (tx) => list.page({ perPage: size, page: last, tx }) },
    ]
  }
  const oldest = await list.log({ limit: size, order: 'asc' })
  const after = oldest.nextCursor ?? undefined
  return [
    { name: `${list.name}  first`, read: (tx) => list.log({ limit: size, tx }) },
    { name: `${list.name}  last`, read: (tx) => list.log({ limit: size, after, tx }) },
  ]
}

/** The median times of two answers in milliseconds, taken in turn so that what else the machine does meets both. */
export async function timeAnswers(one: Answer, other: Answer): Promise<readonly [number, number]> {
  const times: [number[], number[]] = [[], []]
  await one.read()
  await other.read()
  for (let spent = 0; times[0].length < ROUNDS && (times[0].length < ROUNDS_MIN || spent < ENOUGH_MS);) {
    for (const [index, { read }] of [one, other].entries()) {
      const began = performance.now()
      await read()
      const took = performance.now() - began
      times[index]?.push(took)
      spent += took
    }
  }
  return [median(times[0]), median(times[1])]
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

/** The plans of an answer's statements. */
export async function plansOf(db: IronDatabase, { read }: Answer): Promise<readonly string[]> {
  const plans: string[] = []
  const seen = await recordStatements(db, (tx) => read(tx))
  for (const statement of new Map(seen.map((query) => [query.sql, query])).values()) {
    plans.push(statement.sql, ...(await explain(db, statement)).map((line) => `    ${line}`))
  }
  return plans
}

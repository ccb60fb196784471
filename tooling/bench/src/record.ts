/** Ratios that were measured once and are kept beside the bench, so that a later run tells whether something became slower. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Figures, type Question, timesAsGood } from './question.ts'

const place = fileURLToPath(new URL('../recorded.json', import.meta.url))
/** How much of a recorded ratio must be left. */
const LEFT_MIN = 0.8

/** How many times as good ours was as somebody else, by question, figure and contestant. */
type Ratios = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>

/** Those of one question: against whom a target names, and against limits. */
function ratiosOf({ figures, contestants }: Question, answers: ReadonlyMap<string, Figures>): Ratios[string] {
  const ours = answers.get(contestants.find(({ role }) => role === 'ours')?.name ?? '')
  const ratios = Object.entries(figures).map(([key, figure]) => {
    const named = figure.targets.flatMap((target) => ('against' in target ? [target.against] : []))
    const others = contestants.filter(({ name, role }) => role === 'limit' || named.includes(name))
    const known = others.map(({ name }): [string, number] => {
      return [name, round(timesAsGood(figure, ours?.[key] ?? Number.NaN, answers.get(name)?.[key] ?? Number.NaN))]
    })
    return [key, Object.fromEntries(known.filter(([, ratio]) => !Number.isNaN(ratio)))] as const
  })
  return Object.fromEntries(ratios)
}

/** Whether a question has somebody to be compared with: a figure alone says as much about the machine. */
export function isComparable({ contestants }: Question): boolean {
  return contestants.length > 1
}

/** Keeps the ratios of a question in the place of those before. */
export function record(name: string, question: Question, answers: ReadonlyMap<string, Figures>): void {
  const ratios = { ...recorded(), [name]: ratiosOf(question, answers) }
  const sorted = Object.fromEntries(Object.entries(ratios).sort(([one], [other]) => (one < other ? -1 : 1)))
  writeFileSync(place, `${JSON.stringify(sorted, undefined, 2)}\n`)
}

/** What is worse than it was recorded, by more than a fifth; and what never was recorded. */
export function worsened(name: string, question: Question, answers: ReadonlyMap<string, Figures>): string[] {
  const before = recorded()[name]
  return Object.entries(ratiosOf(question, answers)).flatMap(([key, ratios]) =>
    Object.entries(ratios).flatMap(([other, ratio]) => {
      const was = before?.[key]?.[other]
      const what = `${question.figures[key]?.title ?? key}: ${ratio} of ${other}`
      if (was === undefined) return [`${what}, not recorded: pnpm bench --record ${name}`]
      return ratio < was * LEFT_MIN ? [`${what}, was ${was}`] : []
    }),
  )
}

function recorded(): Ratios {
  return JSON.parse(readFileSync(place, 'utf8')) as Ratios
}

/** Three digits are all that a ratio is worth. */
function round(ratio: number): number {
  return Number(ratio.toPrecision(3))
}

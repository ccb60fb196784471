/** Asks a question: every contestant in a process of its own, one after the other, and again, so that all had the same weather. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Figures } from './question.ts'
import { questionOf } from './questions.ts'

/** Longest time a contestant may take for one round, in milliseconds: a million reports. */
const CONTESTANT_TIMEOUT_MS = 600_000
const program = fileURLToPath(new URL('./run-contestant.ts', import.meta.url))

/** Medians over the rounds, by contestant. */
export async function answersTo(question: string, rounds: number): Promise<ReadonlyMap<string, Figures>> {
  const { contestants } = questionOf(question)
  const measured = new Map<string, Figures[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, figures] of measured) figures.push(await ask(question, name))
  }
  return new Map([...measured].map(([name, figures]) => [name, medians(figures)]))
}

async function ask(question: string, contestant: string): Promise<Figures> {
  // Without `--conditions=@iron/source`: the built packages are what users run.
  const args = ['--expose-gc', '--disable-warning=ExperimentalWarning', program, question, contestant]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: CONTESTANT_TIMEOUT_MS })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figures
}

function medians(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((figures) => figures[name] ?? Number.NaN))]))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

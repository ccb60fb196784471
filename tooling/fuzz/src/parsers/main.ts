// `pnpm fuzz parsers [--seconds T] [--seed S] [--keep]`: texts for everything that reads text from outside, led by what they reach.
import { readCorpus, writeCorpus } from './corpus.ts'
import { fuzzParsers } from './fuzz-parsers.ts'

/** Blocks of the packages and of the app. */
const OURS = /\/(?:packages|apps)\/[^/]+\/src\//

export interface ParsersOptions {
  readonly seed: number
  readonly seconds: number
  /** Writes what was found and what was reached into the corpus. */
  readonly keep: boolean
  readonly say: (text: string) => void
}

/** @returns whether nothing was found */
export async function fuzzAllParsers({ seed, seconds, keep, say }: ParsersOptions): Promise<boolean> {
  const load = async () => (await import('./parsers.ts')).PARSERS
  const before = await readCorpus()
  const { texts, blocks, found, corpus } = await fuzzParsers({ load, scripts: OURS, seed, seconds, corpus: before })
  say(`seed ${seed}: ${texts} texts, ${blocks} blocks reached`)
  for (const { parser, text, fault } of found) say(`${parser}: ${JSON.stringify(text)} ${fault}`)
  say(found.length === 0 ? 'nothing found' : `${found.length} parsers take a text wrongly`)
  if (keep) {
    const wrong = Map.groupBy(found, ({ parser }) => parser)
    const known = (name: string): readonly string[] => [
      ...(before[name] ?? []),
      ...(corpus[name] ?? []),
      ...(wrong.get(name) ?? []).map(({ text }) => text),
    ]
    await writeCorpus(Object.fromEntries(Object.keys(corpus).map((name) => [name, [...new Set(known(name))]])))
  }
  return found.length === 0
}

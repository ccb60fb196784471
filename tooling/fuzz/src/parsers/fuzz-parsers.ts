/**
 * Looks for texts that a parser takes wrongly: texts it knows are changed, and each that makes it run a block of its source that
 * no text ran before is kept and changed in turn.
 */
import { chanceOf } from '../chance.ts'
import { Coverage } from './coverage.ts'
import { mutated } from './mutate.ts'
import { faultOf, type Parser } from './parser.ts'

/** Texts between two looks at the coverage: a look takes as long as hundreds of them. */
const TEXTS_AT_ONCE = 512
/** How long one parser has its turn, in milliseconds: all take turns until the time is over. */
const TURN_MS = 100

export interface ParserFuzzOptions {
  /** Loads the parsers: code that is compiled before blocks are counted has none. */
  readonly load: () => Promise<readonly Parser[]>
  /** Addresses of the scripts whose blocks are to be reached. */
  readonly scripts: RegExp
  readonly seed: number
  readonly seconds: number
  /** Texts to begin with, beside the seeds of each parser. */
  readonly corpus: Readonly<Record<string, readonly string[]>>
}

/** A text that is taken wrongly, as short as it could be made. */
export interface Found {
  readonly parser: string
  readonly text: string
  readonly fault: string
}

export interface ParserFuzzReport {
  readonly texts: number
  readonly blocks: number
  readonly found: readonly Found[]
  /** The texts of each parser that ran a block first, its seeds left out. */
  readonly corpus: Readonly<Record<string, readonly string[]>>
}

export async function fuzzParsers({
  load,
  scripts,
  seed,
  seconds,
  corpus,
}: ParserFuzzOptions): Promise<ParserFuzzReport> {
  using coverage = await Coverage.start(scripts)
  const states = (await load()).map((parser) => ({
    parser,
    kept: [] as string[],
    found: undefined as Found | undefined,
  }))
  let texts = 0
  for (const state of states) {
    for (const text of [...state.parser.seeds, ...(corpus[state.parser.name] ?? [])]) {
      const fault = faultOf(state.parser, text)
      if (fault !== undefined) state.found ??= shortest(state.parser, text, fault)
      state.kept.push(...(await reaching(coverage, state.parser, [text])))
    }
  }
  const until = performance.now() + seconds * 1_000
  while (performance.now() < until && states.some(({ found }) => found === undefined)) {
    for (const state of states) {
      // One fault of a parser hides others: it is mended first.
      if (state.found !== undefined) continue
      const turnEnds = Math.min(until, performance.now() + TURN_MS)
      while (performance.now() < turnEnds && state.found === undefined) {
        const chance = chanceOf(seed, texts)
        const batch = Array.from({ length: TEXTS_AT_ONCE }, () =>
          mutated(chance, state.kept.length > 0 ? [...state.kept, ...state.parser.seeds] : state.parser.seeds),
        )
        texts += batch.length
        for (const text of batch) {
          const fault = faultOf(state.parser, text)
          if (fault !== undefined) state.found ??= shortest(state.parser, text, fault)
        }
        state.kept.push(...(await reaching(coverage, state.parser, batch)))
      }
    }
  }
  return {
    texts,
    blocks: coverage.blocks,
    found: states.flatMap(({ found }) => found ?? []),
    corpus: Object.fromEntries(
      states.map(({ parser, kept }) => [parser.name, kept.filter((text) => !parser.seeds.includes(text))]),
    ),
  }
}

/** Those texts of a batch that has just been read which ran a block first: found by halves, each read again. */
async function reaching(coverage: Coverage, parser: Parser, batch: readonly string[]): Promise<readonly string[]> {
  const fresh = await coverage.fresh()
  if (fresh.length === 0) return []
  const kept = batch.length === 1 ? [...batch] : []
  const half = Math.ceil(batch.length / 2)
  for (const part of batch.length === 1 ? [] : [batch.slice(0, half), batch.slice(half)]) {
    for (const text of part) faultOf(parser, text)
    kept.push(...(await reaching(coverage, parser, part)))
  }
  // Also those that no text ran when it was read again, lest they be looked for for ever.
  coverage.remember(fresh)
  return kept
}

/** Leaves out whatever the fault does not need. */
function shortest(parser: Parser, text: string, fault: string): Found {
  let best = { parser: parser.name, text, fault }
  for (let size = Math.ceil(text.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.text.length;) {
      const shorter = best.text.slice(0, at) + best.text.slice(at + size)
      const still = faultOf(parser, shorter)
      if (still?.slice(0, 12) === fault.slice(0, 12)) best = { ...best, text: shorter, fault: still }
      else at += size
    }
  }
  return best
}

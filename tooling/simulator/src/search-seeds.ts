import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Lived } from './worker.ts'

/** Where to search. */
export interface Search {
  readonly seeds: Iterable<number>
  /** Name of a defect to be planted first. */
  readonly defect?: string | undefined
  /** Default: one for each core. */
  readonly processes?: number | undefined
}

/** What a search came to. */
export interface Found {
  /** Worlds that were as they must be. */
  readonly sound: number
  /** The lowest failing seed that was met before the search ended. */
  readonly failed: { readonly seed: number; readonly fault: string } | undefined
}

/** Worlds handed to a process at a time. */
const HANDED_SEEDS = 20
const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))
const EXEC_ARGV = [
  '--conditions=@iron/source',
  '--disable-warning=ExperimentalWarning',
  // The worlds' clocks jump on purpose.
  '--disable-warning=IRON_CLOCK_STEPPED_BACK',
]

/** Lives worlds in processes of their own until all are sound or one is not. */
export async function searchSeeds(search: Search): Promise<Found> {
  const { seeds, defect, processes = availableParallelism() } = search
  const waiting = Iterator.from(seeds) as Iterator<number, undefined>
  let sound = 0
  let failed: Found['failed']
  const take = (): readonly number[] => (failed === undefined ? next(waiting, HANDED_SEEDS) : [])
  const tell = (lived: Lived): void => {
    sound += lived.sound
    const other = lived.failed
    if (other !== undefined && (failed === undefined || other.seed < failed.seed)) failed = other
  }
  await Promise.all(Array.from({ length: processes }, () => work(defect, take, tell)))
  return { sound, failed }
}

/** So many seeds from one number on. */
export function* seedsFrom(base: number, count: number): Generator<number> {
  for (let seed = base; seed < base + count; seed += 1) yield seed
}

/** The next few; an iterator that is not at its end goes on from there. */
function next(seeds: Iterator<number, undefined>, most: number): readonly number[] {
  const taken: number[] = []
  while (taken.length < most) {
    const result = seeds.next()
    if (result.done === true) break
    taken.push(result.value)
  }
  return taken
}

async function work(
  defect: string | undefined,
  take: () => readonly number[],
  tell: (lived: Lived) => void,
): Promise<void> {
  let seeds = take()
  if (seeds.length === 0) return
  const child = fork(WORKER, defect === undefined ? [] : [defect], { execArgv: EXEC_ARGV })
  try {
    for (; seeds.length > 0; seeds = take()) tell(await live(child, seeds))
  } finally {
    if (child.connected) child.disconnect()
  }
}

function live(child: ChildProcess, seeds: readonly number[]): Promise<Lived> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null): void => {
      reject(new Error(`a process of the simulator ended with ${String(code)} while living ${seeds.join(', ')}`))
    }
    child.once('exit', died)
    child.once('message', (lived) => {
      child.off('exit', died)
      resolve(lived as Lived)
    })
    child.send(seeds)
  })
}

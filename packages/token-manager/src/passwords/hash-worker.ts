// The body of a hashing thread. bcrypt is deliberately slow; on the main thread eight hashes at once stall every request
// for most of a second (AUT-16). It imports nothing of ours, so that a thread starts quickly.
import { compareSync, hashSync } from 'bcryptjs'

/** What a hashing thread is asked. Never the password itself: the SHA-256 of it. */
export type HashTask =
  | { readonly kind: 'hash'; readonly prehash: string; readonly cost: number }
  /** `fillers` are hashes compared for nothing but the work it takes. */
  | { readonly kind: 'verify'; readonly prehash: string; readonly hash: string; readonly fillers: readonly string[] }

/** What a hashing thread answers: the hash, or whether it matched; and how many rounds of bcrypt it ran. */
export interface HashAnswer {
  readonly answer: string | boolean
  readonly rounds: number
}

/** Does one task. */
export default function work(task: HashTask): HashAnswer {
  if (task.kind === 'hash') {
    const hash = hashSync(task.prehash, task.cost)
    return { answer: hash, rounds: roundsOf(hash) }
  }
  let rounds = roundsOf(task.hash)
  const answer = compareSync(task.prehash, task.hash)
  for (const filler of task.fillers) {
    compareSync(task.prehash, filler)
    rounds += roundsOf(filler)
  }
  return { answer, rounds }
}

/** The cost stands in the hash itself: `$2b$12$…` took 2^12 rounds. */
function roundsOf(hash: string): number {
  return 2 ** Number(hash.slice(4, 6))
}

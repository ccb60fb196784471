// The body of a hashing thread. bcrypt is deliberately slow; on the main thread eight hashes at once stall every request
// for most of a second (AUT-16). It imports nothing of ours, so that a thread starts quickly.
import { compareSync, hashSync } from 'bcryptjs'

/** What a hashing thread is asked. Never the password itself: the SHA-256 of it. */
export type HashTask =
  | { readonly kind: 'hash'; readonly prehash: string; readonly cost: number }
  | { readonly kind: 'verify'; readonly prehash: string; readonly hash: string }

/** The bcrypt hash of a `hash` task; whether a `verify` task matched. */
export default function work(task: HashTask): string | boolean {
  return task.kind === 'hash' ? hashSync(task.prehash, task.cost) : compareSync(task.prehash, task.hash)
}

/**
 * What a check says. A check is a function from a folder to findings: it never throws for a fault of the repository and
 * never stops at the first, so that one run shows everything there is to mend.
 */
export interface Finding {
  /** The rule that is broken, in a word or two. */
  readonly rule: string
  /** Path relative to the root of the repository, or a package. */
  readonly where: string
  readonly text: string
}

export type Check = (root: string) => Promise<readonly Finding[]>

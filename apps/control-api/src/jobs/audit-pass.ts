/** The whole audit log verified, one pass after the other, a slice at a time; what is new is verified at once (OPS-10). */
import type { AuditHead, AuditLog, AuditVerification } from '@iron/journal'

/** Entries verified in one step, without a pause: some 2 ms. */
const STEP_ENTRIES = 250

/** The first entry that does not fit, and how. */
export type FirstBadEntry = Pick<Extract<AuditVerification, { ok: false }>, 'seq' | 'fault'>

export class AuditPass {
  readonly #audit: Pick<AuditLog, 'head' | 'verify'>
  /** Where the log stood at the last slice: it may have grown since, and in no other way have changed. */
  #stood: AuditHead | undefined
  #from = 1
  #badOfPass: FirstBadEntry | undefined
  #badOfTail: FirstBadEntry | undefined

  constructor(audit: Pick<AuditLog, 'head' | 'verify'>) {
    this.#audit = audit
  }

  /** The first bad entry that is known; a pass that finds none after it was mended forgets it. */
  get bad(): FirstBadEntry | undefined {
    return this.#badOfPass ?? this.#badOfTail
  }

  /**
   * Verifies what has come since the last slice, and the next entries, one step at least, until the time is up.
   *
   * @returns whether the pass has ended, at the head or at a bad entry; the next slice begins another
   */
  async slice(forMs: number): Promise<boolean> {
    const until = performance.now() + forMs
    await this.#verifyTail()
    do {
      if (await this.#step()) return true
    } while (performance.now() < until)
    return false
  }

  async #verifyTail(): Promise<void> {
    if (this.#stood === undefined) {
      this.#stood = await this.#audit.head()
      return
    }
    const { seq } = this.#stood
    // Beyond a bad entry the log may grow for long: until it is mended it is looked at no further.
    const toSeq = this.#badOfTail?.seq
    const expect = seq === 0 ? undefined : this.#stood
    const found = await this.#audit.verify({ fromSeq: Math.max(1, seq), toSeq, expect })
    this.#badOfTail = badIn(found)
    if (found.ok && toSeq === undefined) this.#stood = found.head
  }

  async #step(): Promise<boolean> {
    const toSeq = this.#from + STEP_ENTRIES - 1
    const found = await this.#audit.verify({ fromSeq: this.#from, toSeq })
    const isEnd = !found.ok || toSeq >= found.head.seq
    if (isEnd) this.#badOfPass = badIn(found)
    this.#from = isEnd ? 1 : toSeq + 1
    return isEnd
  }
}

function badIn(found: AuditVerification): FirstBadEntry | undefined {
  return found.ok ? undefined : { seq: found.seq, fault: found.fault }
}

/** Every agent's ledger verified in full, one pass after the other, a slice at a time (budget-protocol 3.5). */
import { LeaseError, type Ledger, type LedgerFault, type LedgerHead } from '@iron/lease-manager'

/** What a pass needs. */
export interface LedgerPassOptions {
  readonly ledger: Pick<Ledger, 'heads' | 'verify'>
  /** Verifies a ledger so long that this thread should not: absent, it does all of them. */
  readonly elsewhere?:
    { readonly rowsMin: number; verify(head: LedgerHead): Promise<readonly LedgerFault[]> } | undefined
}

export class LedgerPass {
  readonly #options: LedgerPassOptions
  /** Where the pass stands; no snapshot is held between two slices. */
  #heads: AsyncIterator<LedgerHead> | undefined
  readonly #atFault = new Map<string, { readonly head: LedgerHead; readonly faults: readonly LedgerFault[] }>()

  constructor(options: LedgerPassOptions) {
    this.#options = options
  }

  /** What the last look at each agent found. */
  get faults(): readonly LedgerFault[] {
    return [...this.#atFault.values()].flatMap(({ faults }) => faults)
  }

  /**
   * Verifies the next agents, one at least, until the time is up. Those at fault come first, so that a rebuild is soon believed.
   *
   * @returns whether the pass has ended; the next slice begins another
   */
  async slice(forMs: number): Promise<boolean> {
    const until = performance.now() + forMs
    for (const { head } of [...this.#atFault.values()]) {
      await this.#lookAgain(head)
      if (performance.now() >= until) break
    }
    do {
      const head = await this.#next()
      if (head === undefined) return true
      await this.#look(head)
    } while (performance.now() < until)
    return false
  }

  async #next(): Promise<LedgerHead | undefined> {
    this.#heads ??= this.#options.ledger.heads()[Symbol.asyncIterator]()
    try {
      const next: IteratorResult<LedgerHead, unknown> = await this.#heads.next()
      if (next.done !== true) return next.value
    } catch (error) {
      this.#heads = undefined
      throw error
    }
    this.#heads = undefined
    return undefined
  }

  async #look(head: LedgerHead): Promise<void> {
    const { ledger, elsewhere } = this.#options
    const { agentId } = head
    let faults: readonly LedgerFault[] | undefined
    if (elsewhere !== undefined && head.seq >= elsewhere.rowsMin) faults = await elsewhere.verify(head)
    // What another thread finds it does not write down: at the first time this one does.
    if (faults === undefined || (faults.length > 0 && !this.#atFault.has(agentId))) {
      faults = await ledger.verify({ agentId })
    }
    if (faults.length > 0) this.#atFault.set(agentId, { head, faults })
    else this.#atFault.delete(agentId)
  }

  async #lookAgain(head: LedgerHead): Promise<void> {
    try {
      await this.#look(head)
    } catch (error) {
      // Books that are gone altogether are no better than they were.
      if (!(error instanceof LeaseError) || error.code !== 'AGENT_NOT_FOUND') throw error
    }
  }
}

/** What a command leaves in the append-only tables, as the model expects it and as the database shows it: one text a row. */
export class Told {
  readonly ledger: string[] = []
  readonly audit: string[] = []
  readonly events: string[] = []

  /** Everything so far, in an order that does not depend on the order inside one transaction; starts anew. */
  take(): { readonly ledger: string[]; readonly audit: string[]; readonly events: string[] } {
    return { ledger: drained(this.ledger), audit: drained(this.audit), events: drained(this.events) }
  }
}

function drained(lines: string[]): string[] {
  return lines.splice(0).sort()
}

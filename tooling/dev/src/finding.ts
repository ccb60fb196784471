/** What a validator says: the rule that is broken, where, and how. */
export interface Finding {
  readonly rule: string
  readonly where: string
  readonly text: string
}

/** The findings of one validator. */
export interface Validation {
  readonly validator: string
  readonly findings: readonly Finding[]
}

/** One line per finding and a summary per validator; with `json` one object of all of them. */
export function printValidations(validations: readonly Validation[], json: boolean): string {
  if (json) {
    const ok = validations.every(({ findings }) => findings.length === 0)
    return `${JSON.stringify({ ok, validations }, null, 2)}\n`
  }
  return validations
    .flatMap(({ validator, findings }) => [
      ...findings.map(({ rule, where, text }) => `${rule}  ${where}  ${text}\n`),
      `${validator}: ${findings.length === 0 ? 'clean' : `${String(findings.length)} found`}\n`,
    ])
    .join('')
}

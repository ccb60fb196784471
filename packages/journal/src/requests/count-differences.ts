import type { Figures } from './summed-figures.ts'

/** How many rows are missing, too many, or say something else. Rows are told apart by subject, provider, model and outcome. */
export function countDifferences<Row extends Figures>(stored: readonly Row[], computed: readonly Row[]): number {
  const keyOf = (row: Row): string => JSON.stringify([row.subject_id, row.provider, row.model, row.outcome])
  const known = new Map(stored.map((row) => [keyOf(row), row]))
  let differences = 0
  for (const row of computed) {
    const other = known.get(keyOf(row))
    known.delete(keyOf(row))
    if (other === undefined || !equalRows(row, other)) differences += 1
  }
  return differences + known.size
}

function equalRows<Row extends Figures>(a: Row, b: Row): boolean {
  return (Object.keys(a) as (keyof Row)[]).every((column) => a[column] === b[column])
}

/** A column of a printed table. */
export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => string | number | null | undefined
  /** Numbers stand to the right. */
  readonly right?: boolean | undefined
}

/** Rows as aligned text with a line of titles. What is not there is a dash. */
export function tableOf<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map((column) => cellOf(column, row)))]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  const lines = cells.map((line) =>
    line
      .map((cell, index) =>
        columns[index]?.right === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** Names and values of one thing, one a line. */
export function fieldsOf(fields: Readonly<Record<string, unknown>>): string {
  const width = Math.max(...Object.keys(fields).map((name) => name.length))
  return Object.entries(fields)
    .map(([name, value]) => `${name.padEnd(width)}  ${textOf(value)}\n`)
    .join('')
}

/** An amount as people read it. */
export function usd(amount: number): string {
  return amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 6 })
}

/** Text of others in a terminal: without what would move its cursor or change its colours. */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?')
}

function cellOf<T>({ of }: Column<T>, row: T): string {
  return textOf(of(row))
}

function textOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–'
  if (typeof value === 'string') return plain(value)
  return plain(JSON.stringify(value))
}

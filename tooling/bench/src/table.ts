/** One table for all answers: ours, the best rival, the limit, the two ratios, and what was expected. */
import { type Figure, type Figures, type Question, type Role, timesAsGood } from './question.ts'

/** A row for each figure of a question. */
export interface Row {
  readonly title: string
  readonly ours: string
  readonly rival: string
  readonly limit: string
  readonly timesRival: string
  readonly shareOfLimit: string
  readonly expected: string
}

const HEADS: Row = {
  title: 'Question',
  ours: 'Ours',
  rival: 'Best rival',
  limit: 'Limit',
  timesRival: 'Times as good as the rival',
  shareOfLimit: 'Of the limit',
  expected: 'Expected',
}

export function rowsOf(question: Question, answers: ReadonlyMap<string, Figures>): Row[] {
  return Object.entries(question.figures).map(([key, figure]) => {
    const [ours, rival, limit] = (['ours', 'rival', 'limit'] as const).map((role) =>
      best(question, answers, role)(key, figure),
    )
    const own = ours?.value ?? Number.NaN
    return {
      title: figure.title,
      ours: amount(own, figure.unit),
      rival: rival === undefined ? '' : `${rival.name} ${amount(rival.value, figure.unit)}`,
      limit: limit === undefined ? '' : `${limit.name} ${amount(limit.value, figure.unit)}`,
      timesRival: rival === undefined ? '' : timesAsGood(figure, own, rival.value).toFixed(2),
      shareOfLimit: limit === undefined ? '' : `${(timesAsGood(figure, own, limit.value) * 100).toFixed(0)} %`,
      expected: figure.targets
        .map((target) => verdict(target, figure, own, (other) => answers.get(other)?.[key]))
        .join(', '),
    }
  })
}

/** As Markdown, so that it can be pasted where it is read. */
export function tableOf(rows: readonly Row[]): string {
  const columns = ['title', 'ours', 'rival', 'limit', 'timesRival', 'shareOfLimit', 'expected'] as const
  const widths = columns.map((column) => Math.max(...[HEADS, ...rows].map((row) => row[column].length)))
  const line = (row: Row): string =>
    `| ${columns.map((column, at) => row[column].padEnd(widths[at] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(HEADS), rule, ...rows.map(line)].join('\n')
}

function best(question: Question, answers: ReadonlyMap<string, Figures>, role: Role) {
  return (key: string, figure: Figure): { readonly name: string; readonly value: number } | undefined => {
    const known = question.contestants
      .filter((contestant) => contestant.role === role)
      .map(({ name }) => ({ name, value: answers.get(name)?.[key] }))
      .filter((each): each is { name: string; value: number } => each.value !== undefined)
    return known.sort((one, other) => (timesAsGood(figure, one.value, other.value) > 1 ? -1 : 1))[0]
  }
}

function verdict(
  target: Figure['targets'][number],
  figure: Figure,
  own: number,
  figureOf: (contestant: string) => number | undefined,
): string {
  if ('bound' in target) {
    const holds = figure.better === 'less' ? own <= target.bound : own >= target.bound
    return `${figure.better === 'less' ? '≤' : '≥'} ${amount(target.bound, figure.unit)} ${mark(holds)}`
  }
  const ratio = timesAsGood(figure, own, figureOf(target.against) ?? Number.NaN)
  return `${ratio.toFixed(2)} of ${target.against} (≥ ${target.times.toFixed(2)}) ${mark(ratio >= target.times)}`
}

const mark = (holds: boolean): string => (holds ? '✓' : '✗')

/** Three digits are all that a measurement is worth. */
function amount(value: number, unit: string): string {
  const [scaled, prefix] = unit === 'ns' && value >= 1_000 ? [value / 1_000, 'µs'] : [value, unit]
  const digits = scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2
  return `${scaled.toFixed(digits)} ${prefix}`
}

/** A statement over a set of parameter rows, for PostgreSQL, where a round trip costs more than most statements. */
import type { Executor } from './kysely-executor.ts'

/** How PostgreSQL reads a parameter of a set. */
export type SetType = 'bigint' | 'text'

/** One statement that does for many rows of parameters what another does for one. It is run by {@link runSet}. */
export interface SetForm {
  readonly sql: string
  readonly name: string
  /** Names of the parameters. */
  readonly columns: readonly string[]
  /** The parameter that tells inserted rows apart; undefined: rows of the result are tagged with their place in the set. */
  readonly key: string | undefined
}

/** A row of parameters for a form: what a query carries that may travel with its like. */
export interface SetRow {
  readonly form: SetForm
  readonly parameters: Readonly<Record<string, unknown>>
}

/** The column that tells which row of parameters a row of the result belongs to. */
const TAG = 'tag'
/** The set, and what stands before the names of its columns, so that they are no column of a table. */
const SET = 'k'
const PREFIX = 'p_'

/** A parameter as a column of the set, for the text that {@link setSql} is given. */
export function setColumn(parameter: string): string {
  return `${SET}."${PREFIX}${parameter}"`
}

/** The set as a table of {@link setColumn}s. */
export function setRows(types: Readonly<Record<string, SetType>>): string {
  const columns = Object.entries(types).map(([name, type]) => `"${PREFIX}${name}" ${type}`)
  return `json_to_recordset($1::json) AS ${SET}(${TAG} bigint, ${columns.join(', ')})`
}

/**
 * Turns a statement whose parameters are {@link setColumn}s into one over the set. A select runs once per row of the set: `offset 0`
 * keeps PostgreSQL from making a join of it, whose plan would be chosen once, when the tables were small. An update meets each row
 * once. An insert must name a `key`, for nothing but its own columns is returned.
 */
export function setSql(sql: string, types: Readonly<Record<string, SetType>>, key: string | undefined): string {
  const rows = setRows(types)
  if (sql.startsWith('select ') || /^\s*SELECT /.test(sql)) {
    return `select ${SET}.${TAG}, q.* from ${rows} cross join lateral (${sql} offset 0) as q`
  }
  const [verb] = sql.split(' ', 1)
  const at = sql.indexOf(verb === 'update' ? WHERE : VALUES)
  const [before, after] = [sql.slice(0, at), sql.slice(at + (verb === 'update' ? WHERE : VALUES).length)]
  if (verb === 'update' && at > 0) return `${before} from ${rows}${WHERE}${after} returning ${SET}.${TAG}`
  if (verb === 'insert' && at > 0 && after.endsWith(')') && key !== undefined) {
    return `${before} select ${after.slice(0, -1)} from ${rows} returning "${key}" as ${TAG}`
  }
  throw new TypeError(`there is no set form of: ${sql}`)
}

const WHERE = ' where '
const VALUES = ' values ('

/** Runs a statement over a set. @returns for each row of parameters, in their order, the rows of the result that are its own */
export async function runSet(
  executor: Executor,
  form: SetForm,
  set: readonly SetRow['parameters'][],
): Promise<Record<string, unknown>[][]> {
  const { rows } = await executor.execute<Record<string, unknown>>({
    sql: form.sql,
    parameters: [rowsOf(form.columns, set)],
    name: form.name,
  })
  const places = new Map(set.map((parameters, index) => [form.key === undefined ? index : parameters[form.key], index]))
  const results = set.map((): Record<string, unknown>[] => [])
  for (const { [TAG]: tag, ...row } of rows) results[places.get(tag) ?? -1]?.push(row)
  return results
}

/** The parameter of a set: its rows as JSON. */
function rowsOf(columns: readonly string[], set: readonly SetRow['parameters'][]): string {
  return JSON.stringify(
    set.map((parameters, index) => {
      const row: Record<string, unknown> = { [TAG]: index }
      for (const name of columns) row[PREFIX + name] = parameters[name]
      return row
    }),
  )
}

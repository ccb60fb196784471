/**
 * The orders and sums of budgets. `used_rank` is twice the percentage used, rounded down, and one more when something was cut off;
 * from 200 on, all of a budget is used, and beyond the digits of the percentage tell the order. `spent_rank` and `left_rank` are the
 * number of digits of an amount in cents and its first three, nearly. `budget_sums` adds up the budgets in use by grade: -1 for nothing of nothing,
 * else the rank of what is used, at most 201, so that every status, level of risk and threshold is a range of grades.
 */
import type { Engine } from '../step.ts'

/** What is added up, each in whole dollars and the rest in microdollars: together they may exceed what an integer holds. */
export const FIGURES = ['allocated', 'reserved', 'spent', 'overdrawn'] as const

const MICROS_PER_USD = 1_000_000
const MICROS_PER_CENT = 10_000
/** The grade of whatever is used beyond its allocation. */
const BEYOND = 201

/**
 * The number of digits of a whole number that is not negative, and its first three rounded down to a multiple of 5: ordered as numbers
 * are, only coarser.
 */
const digits = (number: string): string =>
  `length(CAST(${number} AS text)) * 1000 + CAST(substr(CAST(${number} AS text), 1, 3) AS integer) / 5 * 5`

/** Of an amount, in whole cents: whoever has spent less than five is of the lowest rank. */
const cents = (amount: string): string => digits(`(${amount} / ${String(MICROS_PER_CENT)})`)

const used = (row: string): string => {
  const [allocated, spent] = [`${row}allocated_micros`, `${row}spent_micros`]
  return (
    `CASE WHEN ${spent} < ${allocated} THEN ${spent} * 100 / ${allocated} * 2 +` +
    ` CASE WHEN ${spent} * 100 % ${allocated} > 0 THEN 1 ELSE 0 END` +
    ` WHEN ${spent} = 0 THEN 0 WHEN ${spent} = ${allocated} OR ${allocated} = 0 THEN 200` +
    ` ELSE 200 + ${digits(`(${spent} * 100 / ${allocated})`)} END`
  )
}

const left = (row: string): string => {
  const amount = `(${row}allocated_micros - ${row}reserved_micros - ${row}spent_micros)`
  return `CASE WHEN ${amount} >= 0 THEN ${cents(amount)} ELSE -(${cents(`(-${amount})`)}) END`
}

/** By column, as SQL over a row whose columns begin with the given text. */
const RANKS: Readonly<Record<string, (row: string) => string>> = {
  used_rank: used,
  spent_rank: (row) => cents(`${row}spent_micros`),
  left_rank: left,
}

/** Ranks of an empty budget. */
const OF_NOTHING: Readonly<Record<string, number>> = { used_rank: 0, spent_rank: 1000, left_rank: 1000 }

const gradeOf = (row: string, rank: string): string =>
  `CASE WHEN ${row}allocated_micros = 0 AND ${row}spent_micros = 0 THEN -1` +
  ` WHEN ${row}spent_micros > ${row}allocated_micros AND ${row}allocated_micros > 0 THEN ${String(BEYOND)} ELSE ${rank} END`

const amountOf = (name: (typeof FIGURES)[number], row: string): string => {
  if (name !== 'overdrawn') return `${row}${name}_micros`
  const over = `(${row}spent_micros + ${row}reserved_micros - ${row}allocated_micros)`
  return `CASE WHEN ${over} > 0 THEN ${over} ELSE 0 END`
}

const SUMS: readonly string[] = ['agents', ...FIGURES.flatMap((name) => [`${name}_whole`, `${name}_rest`])]

/** What a row adds to each of the sums, with a sign. */
function partsOf(row: string, sign: '' | '-'): string[] {
  const amounts = FIGURES.flatMap((name) => {
    const amount = `(${amountOf(name, row)})`
    return [`${sign}(${amount} / ${String(MICROS_PER_USD)})`, `${sign}(${amount} % ${String(MICROS_PER_USD)})`]
  })
  return [`${sign}1`, ...amounts]
}

const BALANCES = 'allocated_micros, reserved_micros, spent_micros'

const assigned = (row: string): string =>
  Object.entries(RANKS)
    .map(([name, rank]) => `${name} = ${rank(row)}`)
    .join(', ')

/** The new columns, filled. */
export function budgetColumns(engine: Engine): string[] {
  const type = engine === 'sqlite' ? 'integer' : 'bigint'
  const columns = Object.entries(OF_NOTHING).map(
    ([name, rank]) => `ALTER TABLE agent_budgets ADD COLUMN ${name} ${type} DEFAULT ${String(rank)} NOT NULL`,
  )
  return [...columns, FILL_RANKS]
}

/** The sums over the budgets there are, as `budget_sums` has them. */
export const BUDGET_SUMS =
  `SELECT ${gradeOf('', 'used_rank')} AS grade, ` +
  partsOf('', '')
    .map((part, index) => `CAST(sum(${part}) AS bigint) AS ${SUMS[index] ?? ''}`)
    .join(', ') +
  ' FROM agent_budgets WHERE archived_at IS NULL GROUP BY 1'

/** Fills an empty `budget_sums`. */
export const FILL_BUDGET_SUMS =
  `INSERT INTO budget_sums (grade, shard, ${SUMS.join(', ')})` +
  ` SELECT s.grade, 0, ${SUMS.map((name) => `s.${name}`).join(', ')} FROM (${BUDGET_SUMS}) s`

/** The same sums as they are kept. */
export const KEPT_BUDGET_SUMS =
  `SELECT grade, ${SUMS.map((name) => `CAST(sum(${name}) AS bigint) AS ${name}`).join(', ')} FROM budget_sums` +
  ` GROUP BY grade HAVING ${SUMS.map((name) => `sum(${name}) <> 0`).join(' OR ')}`

/** Sets every budget's ranks. */
export const FILL_RANKS = `UPDATE agent_budgets SET ${assigned('')}`

/** The budgets whose ranks are not those of their balances. */
export const WRONG_RANKS = `SELECT agent_id FROM agent_budgets WHERE ${Object.entries(RANKS)
  .map(([name, rank]) => `${name} <> ${rank('')}`)
  .join(' OR ')}`

export function createBudgetTriggers(engine: Engine): string[] {
  return engine === 'sqlite' ? sqliteTriggers() : postgresTriggers()
}

function sqliteTriggers(): string[] {
  const table = 'agent_budgets'
  // Most changes leave all ranks as they are.
  const differs = Object.entries(RANKS)
    .map(([name, rank]) => `NEW.${name} <> ${rank('NEW.')}`)
    .join(' OR ')
  const rank = `UPDATE ${table} SET ${assigned('NEW.')} WHERE agent_id = NEW.agent_id`
  const [gone, made] = [sqliteAdd('OLD', '-'), sqliteAdd('NEW', '')]
  const old = gradeOf('OLD.', 'OLD.used_rank')
  const moved = `OLD.archived_at IS NOT NULL OR NEW.archived_at IS NOT NULL OR ${old} <> ${gradeOf('NEW.', used('NEW.'))}`
  return [
    `CREATE TRIGGER budget_ranks_insert AFTER INSERT ON ${table} WHEN ${differs} BEGIN ${rank}; END`,
    `CREATE TRIGGER budget_ranks_update AFTER UPDATE OF ${BALANCES} ON ${table} WHEN ${differs} BEGIN ${rank}; END`,
    `CREATE TRIGGER budget_sums_insert AFTER INSERT ON ${table} BEGIN ${made}; END`,
    `CREATE TRIGGER budget_sums_delete AFTER DELETE ON ${table} BEGIN ${gone}; END`,
    // Most changes leave an agent in its grade: one row of sums is written then.
    `CREATE TRIGGER budget_sums_stay AFTER UPDATE OF ${BALANCES}, archived_at ON ${table} WHEN NOT (${moved})` +
      ` BEGIN ${sqliteChange()}; END`,
    `CREATE TRIGGER budget_sums_move AFTER UPDATE OF ${BALANCES}, archived_at ON ${table} WHEN ${moved}` +
      ` BEGIN ${gone}; ${made}; END`,
  ]
}

const added = SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')

function sqliteAdd(row: 'OLD' | 'NEW', sign: '' | '-'): string {
  const grade = gradeOf(`${row}.`, used(`${row}.`))
  return (
    `INSERT INTO budget_sums (grade, shard, ${SUMS.join(', ')})` +
    ` SELECT ${grade}, 0, ${partsOf(`${row}.`, sign).join(', ')} WHERE ${row}.archived_at IS NULL` +
    ` ON CONFLICT (grade, shard) DO UPDATE SET ${added}`
  )
}

function sqliteChange(): string {
  const [gone, made] = [partsOf('OLD.', ''), partsOf('NEW.', '')]
  const changes = SUMS.map((_, index) => `${made[index] ?? ''} - ${gone[index] ?? ''}`)
  return (
    `INSERT INTO budget_sums (grade, shard, ${SUMS.join(', ')})` +
    ` VALUES (${gradeOf('NEW.', used('NEW.'))}, 0, ${changes.join(', ')})` +
    ` ON CONFLICT (grade, shard) DO UPDATE SET ${added}`
  )
}

/**
 * On PostgreSQL a statement adds to a row that nobody else holds, and to a row of its own when there is none: nobody waits for
 * another one's commit, so nothing can wait in a circle, and there are as many rows of a grade as were ever written at once.
 */
function postgresTriggers(): string[] {
  const table = 'agent_budgets'
  const ranks = Object.entries(RANKS).map(([name, rank]) => `NEW.${name} := ${rank('NEW.')};`)
  return [
    `CREATE FUNCTION budget_ranks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${ranks.join(' ')} RETURN NEW; END $$`,
    `CREATE TRIGGER budget_ranks_insert BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION budget_ranks()`,
    `CREATE TRIGGER budget_ranks_update BEFORE UPDATE OF ${BALANCES} ON ${table} FOR EACH ROW EXECUTE FUNCTION budget_ranks()`,
    ...postgresSums('insert', 'NEW TABLE AS made', [changesOf('made', '')]),
    ...postgresSums('delete', 'OLD TABLE AS gone', [changesOf('gone', '-')]),
    ...postgresChange(),
  ]
}

function changesOf(rows: 'made' | 'gone', sign: '' | '-'): string {
  const parts = partsOf('b.', sign).map((part, index) => `${part} AS ${SUMS[index] ?? ''}`)
  return `SELECT ${gradeOf('b.', 'b.used_rank')} AS grade, ${parts.join(', ')} FROM ${rows} b WHERE b.archived_at IS NULL`
}

function postgresSums(event: 'insert' | 'delete', rows: string, changes: readonly string[]): string[] {
  const name = `budget_sums_${event}`
  const sums = SUMS.map((sum) => `CAST(sum(c.${sum}) AS bigint) AS ${sum}`)
  const free =
    'SELECT f.shard FROM budget_sums f WHERE f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED'
  const body =
    `WITH d AS (SELECT c.grade, ${sums.join(', ')} FROM (${changes.join(' UNION ALL ')}) c GROUP BY c.grade` +
    ` HAVING ${SUMS.map((sum) => `sum(c.${sum}) <> 0`).join(' OR ')}),` +
    ` e AS MATERIALIZED (SELECT d.*, (${free}) AS free FROM d),` +
    ` u AS (UPDATE budget_sums s SET ${SUMS.map((sum) => `${sum} = s.${sum} + e.${sum}`).join(', ')}` +
    ' FROM e WHERE s.grade = e.grade AND s.shard = e.free)' +
    ` INSERT INTO budget_sums (grade, shard, ${SUMS.join(', ')})` +
    ` SELECT e.grade, CAST(CAST(pg_current_xact_id() AS text) AS bigint), ${SUMS.map((sum) => `e.${sum}`).join(', ')}` +
    ' FROM e WHERE e.free IS NULL; RETURN NULL;'
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`,
    `CREATE TRIGGER ${name} AFTER ${event.toUpperCase()} ON agent_budgets REFERENCING ${rows}` +
      ` FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`,
  ]
}

/** A changed budget, row by row: a statement over what all changed would cost several times as much for one, as most of them are. */
function postgresChange(): string[] {
  const name = 'budget_sums_update'
  const [gone, made] = [partsOf('OLD.', ''), partsOf('NEW.', '')]
  const add = (grade: string, parts: readonly string[]): string =>
    `UPDATE budget_sums s SET ${SUMS.map((sum, index) => `${sum} = s.${sum} + (${parts[index] ?? ''})`).join(', ')}` +
    ` WHERE s.grade = ${grade} AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.grade = ${grade}` +
    ' ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED);' +
    ` IF NOT FOUND THEN INSERT INTO budget_sums (grade, shard, ${SUMS.join(', ')})` +
    ` VALUES (${grade}, CAST(CAST(pg_current_xact_id() AS text) AS bigint), ${parts.join(', ')}); END IF;`
  const body =
    `IF OLD.archived_at IS NULL THEN was := ${gradeOf('OLD.', 'OLD.used_rank')}; END IF;` +
    ` IF NEW.archived_at IS NULL THEN becomes := ${gradeOf('NEW.', 'NEW.used_rank')}; END IF;` +
    ` IF was = becomes THEN ${add(
      'was',
      SUMS.map((_, index) => `${made[index] ?? ''} - ${gone[index] ?? ''}`),
    )}` +
    ` ELSE IF was IS NOT NULL THEN ${add('was', partsOf('OLD.', '-'))} END IF;` +
    ` IF becomes IS NOT NULL THEN ${add('becomes', made)} END IF; END IF; RETURN NULL;`
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE was bigint; becomes bigint; BEGIN ${body} END $$`,
    `CREATE TRIGGER ${name} AFTER UPDATE OF ${BALANCES}, archived_at ON agent_budgets FOR EACH ROW EXECUTE FUNCTION ${name}()`,
  ]
}

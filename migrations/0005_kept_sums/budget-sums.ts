/**
 * The sums of budgets, by grade: those of everybody, and those of each owner. Grade -2 is of the archived, -1 of nothing of nothing;
 * the others are the rank of what is used, at most 201, so that every status, level of risk and threshold is a range of grades. An
 * owner's are told apart by the first grade of their level of risk only, which keeps the rows of an owner few.
 */
import type { Engine } from '../step.ts'
import { used } from './budget-ranks.ts'

const TABLE = 'agent_budgets'

/** What is added up, each in whole dollars and the rest in microdollars: together they may exceed what an integer holds. */
export const FIGURES = ['allocated', 'reserved', 'spent', 'overdrawn'] as const

const MICROS_PER_USD = 1_000_000

export const ARCHIVED = -2
const UNFUNDED = -1
const ALL_USED = 200
/** The grade of whatever is used beyond its allocation. */
export const BEYOND = 201
/** The first grades of levels of risk below the exhausted, from the highest, and the tenths of an allocation that they begin at. */
const LEVELS = { 180: 9, 160: 8, 100: 5 } as const

/** Budgets that are added up together, as SQL over a row whose columns begin with the given text. */
interface Sums {
  readonly owner: (row: string) => string
  readonly grade: (row: string, rank: string) => string
  /** Whether a row is of any of them. */
  readonly has: (row: string) => string
  /** Columns that decide on the row of sums. */
  readonly by: string
}

const BALANCES = 'allocated_micros, reserved_micros, spent_micros'

const EVERYBODYS: Sums = {
  owner: () => `''`,
  grade: (row, rank) =>
    `CASE WHEN ${row}archived_at IS NOT NULL THEN ${String(ARCHIVED)}` +
    ` WHEN ${row}allocated_micros = 0 AND ${row}spent_micros = 0 THEN ${String(UNFUNDED)}` +
    ` WHEN ${row}spent_micros > ${row}allocated_micros AND ${row}allocated_micros > 0 THEN ${String(BEYOND)} ELSE ${rank} END`,
  has: () => 'true',
  by: `${BALANCES}, archived_at`,
}

const OWNERS: Sums = {
  owner: (row) => `${row}owner_id`,
  grade: (row) => {
    const levels = Object.entries(LEVELS)
      .reverse()
      .map(
        ([grade, tenths]) =>
          ` WHEN ${row}spent_micros * 10 >= ${row}allocated_micros * ${String(tenths)} THEN ${grade}`,
      )
    return (
      `CASE WHEN ${row}archived_at IS NOT NULL THEN ${String(ARCHIVED)}` +
      ` WHEN ${row}allocated_micros = 0 AND ${row}spent_micros = 0 THEN ${String(UNFUNDED)}` +
      ` WHEN ${row}spent_micros >= ${row}allocated_micros THEN ${String(ALL_USED)}${levels.join('')} ELSE 0 END`
    )
  },
  has: (row) => `${row}owner_id IS NOT NULL`,
  by: `${BALANCES}, archived_at, owner_id`,
}

const amountOf = (name: (typeof FIGURES)[number], row: string): string => {
  if (name !== 'overdrawn') return `${row}${name}_micros`
  const over = `(${row}spent_micros + ${row}reserved_micros - ${row}allocated_micros)`
  return `CASE WHEN ${over} > 0 THEN ${over} ELSE 0 END`
}

const COLUMNS: readonly string[] = ['agents', ...FIGURES.flatMap((name) => [`${name}_whole`, `${name}_rest`])]
const ROW = `owner_id, grade, shard, ${COLUMNS.join(', ')}`

/** What a row adds to each of the sums, with a sign. */
function partsOf(row: string, sign: '' | '-'): string[] {
  const amounts = FIGURES.flatMap((name) => {
    const amount = `(${amountOf(name, row)})`
    return [`${sign}(${amount} / ${String(MICROS_PER_USD)})`, `${sign}(${amount} % ${String(MICROS_PER_USD)})`]
  })
  return [`${sign}1`, ...amounts]
}

/** What a row that stays in its grade adds. */
function changes(before: string, after: string): string[] {
  const [gone, made] = [partsOf(before, ''), partsOf(after, '')]
  return COLUMNS.map((_, index) => `${made[index] ?? ''} - ${gone[index] ?? ''}`)
}

/** The columns of sums, each as an expression of its name. */
const columnsAs = (expression: (name: string) => string): string =>
  COLUMNS.map((name) => `${expression(name)} AS ${name}`).join(', ')

/** What budgets of a table add, a row for each and each sum that it is of. */
function contributions(table: string, sign: '' | '-', sums: readonly Sums[]): string {
  const parts = new Map(partsOf('b.', sign).map((part, index) => [COLUMNS[index] ?? '', part]))
  return sums
    .map(
      ({ owner, grade, has }) =>
        `SELECT ${owner('b.')} AS owner_id, ${grade('b.', 'b.used_rank')} AS grade, ${columnsAs((name) => parts.get(name) ?? '')}` +
        ` FROM ${table} b WHERE ${has('b.')}`,
    )
    .join(' UNION ALL ')
}

const summed = (contributed: string): string =>
  `SELECT c.owner_id, c.grade, ${columnsAs((name) => `CAST(sum(c.${name}) AS bigint)`)} FROM (${contributed}) c GROUP BY c.owner_id, c.grade`

/** The sums over the budgets there are, as `budget_sums` has them. */
export const BUDGET_SUMS = summed(contributions(TABLE, '', [EVERYBODYS, OWNERS]))

/** Fills an empty `budget_sums`. */
export const FILL_BUDGET_SUMS =
  `INSERT INTO budget_sums (${ROW})` +
  ` SELECT s.owner_id, s.grade, 0, ${COLUMNS.map((name) => `s.${name}`).join(', ')} FROM (${BUDGET_SUMS}) s`

/** The same sums as they are kept. */
export const KEPT_BUDGET_SUMS =
  `SELECT owner_id, grade, ${columnsAs((name) => `CAST(sum(${name}) AS bigint)`)} FROM budget_sums` +
  ` GROUP BY owner_id, grade HAVING ${COLUMNS.map((name) => `sum(${name}) <> 0`).join(' OR ')}`

/** What the agents of an owner hold, without a look at them. PostgreSQL sums BIGINT into NUMERIC. */
export const OWNER_RESERVED_VIEW =
  'CREATE VIEW owner_reserved AS SELECT owner_id,' +
  ` CAST(sum(reserved_whole) * ${String(MICROS_PER_USD)} + sum(reserved_rest) AS BIGINT) AS reserved` +
  ` FROM budget_sums WHERE owner_id <> '' GROUP BY owner_id`

export function createSumTriggers(engine: Engine): string[] {
  return engine === 'sqlite' ? sqliteTriggers() : postgresTriggers()
}

function sqliteTriggers(): string[] {
  const body = (sums: readonly Sums[], row: 'OLD' | 'NEW', sign: '' | '-'): string =>
    sums.map((one) => `${sqliteAdd(one, row, partsOf(`${row}.`, sign))};`).join(' ')
  return [
    `CREATE TRIGGER budget_sums_insert AFTER INSERT ON ${TABLE} BEGIN ${body([EVERYBODYS, OWNERS], 'NEW', '')} END`,
    `CREATE TRIGGER budget_sums_delete AFTER DELETE ON ${TABLE} BEGIN ${body([EVERYBODYS, OWNERS], 'OLD', '-')} END`,
    ...Object.entries({ budget_sums: EVERYBODYS, owner_sums: OWNERS }).flatMap(([name, sums]) => {
      const { owner, grade, by } = sums
      const moved =
        `${grade('OLD.', 'OLD.used_rank')} <> ${grade('NEW.', used('NEW.'))}` +
        (sums === OWNERS ? ` OR ${owner('OLD.')} IS NOT ${owner('NEW.')}` : '')
      return [
        // Most changes leave an agent in its grade: one row of sums is written then.
        `CREATE TRIGGER ${name}_stay AFTER UPDATE OF ${by} ON ${TABLE} WHEN NOT (${moved})` +
          ` BEGIN ${sqliteAdd(sums, 'NEW', changes('OLD.', 'NEW.'))}; END`,
        `CREATE TRIGGER ${name}_move AFTER UPDATE OF ${by} ON ${TABLE} WHEN ${moved}` +
          ` BEGIN ${body([sums], 'OLD', '-')} ${body([sums], 'NEW', '')} END`,
      ]
    }),
  ]
}

function sqliteAdd({ owner, grade, has }: Sums, row: 'OLD' | 'NEW', parts: readonly string[]): string {
  const from = `${row}.`
  return (
    `INSERT INTO budget_sums (${ROW}) SELECT ${owner(from)}, ${grade(from, used(from))}, 0, ${parts.join(', ')}` +
    ` WHERE ${has(from)} ON CONFLICT (owner_id, grade, shard)` +
    ` DO UPDATE SET ${COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`
  )
}

/** What makes the row of sums of a transaction its own, where others hold all that there are. */
const SHARD = 'CAST(CAST(pg_current_xact_id() AS text) AS bigint)'

/**
 * On PostgreSQL a statement adds to a row that nobody else holds, and to a row of its own when there is none: nobody waits for
 * another one's commit, so nothing can wait in a circle, and there are as many rows of a grade as were ever written at once.
 */
function postgresTriggers(): string[] {
  const both = [EVERYBODYS, OWNERS]
  const each = 'FOR EACH STATEMENT EXECUTE FUNCTION'
  return [
    postgresFunction('budget_sums_insert', addTogether(contributions('made', '', both))),
    `CREATE TRIGGER budget_sums_insert AFTER INSERT ON ${TABLE} REFERENCING NEW TABLE AS made ${each} budget_sums_insert()`,
    postgresFunction('budget_sums_delete', addTogether(contributions('gone', '-', both))),
    `CREATE TRIGGER budget_sums_delete AFTER DELETE ON ${TABLE} REFERENCING OLD TABLE AS gone ${each} budget_sums_delete()`,
    ...postgresUpdate(),
  ]
}

function postgresFunction(name: string, body: string, declared = ''): string {
  return `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ ${declared}BEGIN ${body} RETURN NULL; END $$`
}

/** Adds what many rows contribute, each sum once. */
function addTogether(contributed: string): string {
  const free =
    'SELECT f.shard FROM budget_sums f WHERE f.owner_id = d.owner_id AND f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED'
  return (
    `WITH d AS (${summed(contributed)} HAVING ${COLUMNS.map((name) => `sum(c.${name}) <> 0`).join(' OR ')}),` +
    ` e AS MATERIALIZED (SELECT d.*, (${free}) AS free FROM d),` +
    ` u AS (UPDATE budget_sums s SET ${COLUMNS.map((name) => `${name} = s.${name} + e.${name}`).join(', ')}` +
    ' FROM e WHERE s.owner_id = e.owner_id AND s.grade = e.grade AND s.shard = e.free)' +
    ` INSERT INTO budget_sums (${ROW})` +
    ` SELECT e.owner_id, e.grade, ${SHARD}, ${COLUMNS.map((name) => `e.${name}`).join(', ')} FROM e WHERE e.free IS NULL;`
  )
}

/**
 * Changed budgets. Those of one statement are added up together, so that a group of reports writes each row of sums once; for a single
 * one that costs several times as much as its own changes do.
 */
function postgresUpdate(): string[] {
  const name = 'budget_sums_update'
  const add = (owner: string, grade: string, parts: readonly string[]): string =>
    `UPDATE budget_sums s SET ${COLUMNS.map((column, index) => `${column} = s.${column} + (${parts[index] ?? ''})`).join(', ')}` +
    ` WHERE s.owner_id = ${owner} AND s.grade = ${grade} AND s.shard = (SELECT f.shard FROM budget_sums f` +
    ` WHERE f.owner_id = ${owner} AND f.grade = ${grade} ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED);` +
    ` IF NOT FOUND THEN INSERT INTO budget_sums (${ROW}) VALUES (${owner}, ${grade}, ${SHARD}, ${parts.join(', ')}); END IF;`
  const addOne = ({ owner, grade, has }: Sums): string => {
    const [before, after] = ['before.', 'after.']
    return (
      `was := ${grade(before, 'before.used_rank')}; becomes := ${grade(after, 'after.used_rank')};` +
      ` IF ${owner(before)} = ${owner(after)} AND was = becomes THEN ${add(owner(after), 'was', changes(before, after))}` +
      ` ELSE IF ${has(before)} THEN ${add(owner(before), 'was', partsOf(before, '-'))} END IF;` +
      ` IF ${has(after)} THEN ${add(owner(after), 'becomes', partsOf(after, ''))} END IF; END IF;`
    )
  }
  const both = [EVERYBODYS, OWNERS]
  const together = `${contributions('gone', '-', both)} UNION ALL ${contributions('made', '', both)}`
  const body =
    'SELECT count(*) INTO many FROM made;' +
    ` IF many > 1 THEN ${addTogether(together)}` +
    ` ELSIF many = 1 THEN SELECT * INTO before FROM gone; SELECT * INTO after FROM made; ${both.map(addOne).join(' ')} END IF;`
  const declared = `DECLARE many bigint; before ${TABLE}; after ${TABLE}; was bigint; becomes bigint; `
  return [
    postgresFunction(name, body, declared),
    `CREATE TRIGGER ${name} AFTER UPDATE ON ${TABLE} REFERENCING OLD TABLE AS gone NEW TABLE AS made` +
      ` FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`,
  ]
}

/**
 * The orders of budgets. `used_rank` is twice the percentage used, rounded down, and one more when something was cut off; from 200 on,
 * all of a budget is used, and beyond the digits of the percentage tell the order. `spent_rank` and `left_rank` are the number of
 * digits of an amount in cents and its first three, nearly.
 */
import type { Engine } from '../step.ts'

const MICROS_PER_CENT = 10_000

/**
 * The number of digits of a whole number that is not negative, and its first three rounded down to a multiple of 5: ordered as numbers
 * are, only coarser.
 */
const digits = (number: string): string =>
  `length(CAST(${number} AS text)) * 1000 + CAST(substr(CAST(${number} AS text), 1, 3) AS integer) / 5 * 5`

/** Of an amount, in whole cents: whoever has spent less than five is of the lowest rank. */
const cents = (amount: string): string => digits(`(${amount} / ${String(MICROS_PER_CENT)})`)

/** Of what is used, of a row whose columns begin with the given text. */
export const used = (row: string): string => {
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

const assigned = (row: string): string =>
  Object.entries(RANKS)
    .map(([name, rank]) => `${name} = ${rank(row)}`)
    .join(', ')

/** The new columns, filled. */
export function rankColumns(engine: Engine): string[] {
  const type = engine === 'sqlite' ? 'integer' : 'bigint'
  const columns = Object.entries(OF_NOTHING).map(
    ([name, rank]) => `ALTER TABLE agent_budgets ADD COLUMN ${name} ${type} DEFAULT ${String(rank)} NOT NULL`,
  )
  return [...columns, FILL_RANKS]
}

/** Sets every budget's ranks. */
export const FILL_RANKS = `UPDATE agent_budgets SET ${assigned('')}`

/** The budgets whose ranks are not those of their balances. */
export const WRONG_RANKS = `SELECT agent_id FROM agent_budgets WHERE ${Object.entries(RANKS)
  .map(([name, rank]) => `${name} <> ${rank('')}`)
  .join(' OR ')}`

export function createRankTriggers(engine: Engine): string[] {
  const table = 'agent_budgets'
  const changed = 'UPDATE OF allocated_micros, reserved_micros, spent_micros'
  if (engine === 'sqlite') {
    // Most changes leave all ranks as they are.
    const differs = Object.entries(RANKS)
      .map(([name, rank]) => `NEW.${name} <> ${rank('NEW.')}`)
      .join(' OR ')
    const rank = `UPDATE ${table} SET ${assigned('NEW.')} WHERE agent_id = NEW.agent_id`
    return [
      `CREATE TRIGGER budget_ranks_insert AFTER INSERT ON ${table} WHEN ${differs} BEGIN ${rank}; END`,
      `CREATE TRIGGER budget_ranks_update AFTER ${changed} ON ${table} WHEN ${differs} BEGIN ${rank}; END`,
    ]
  }
  const ranks = Object.entries(RANKS).map(([name, rank]) => `NEW.${name} := ${rank('NEW.')};`)
  return [
    `CREATE FUNCTION budget_ranks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${ranks.join(' ')} RETURN NEW; END $$`,
    `CREATE TRIGGER budget_ranks_insert BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION budget_ranks()`,
    `CREATE TRIGGER budget_ranks_update BEFORE ${changed} ON ${table} FOR EACH ROW EXECUTE FUNCTION budget_ranks()`,
  ]
}

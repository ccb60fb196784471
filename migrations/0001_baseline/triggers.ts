/** The rules as triggers of each engine. A refusal has the same text on both. */
import { sql } from 'kysely'
import type { AnySchema, Engine } from '../step.ts'
import { type Log, logs, NEVER_TRUNCATED, type Rule, rules } from './rules.ts'

export async function createTriggers(db: AnySchema, engine: Engine): Promise<void> {
  for (const statement of engine === 'sqlite' ? sqliteStatements() : postgresStatements()) {
    await sql.raw(statement).execute(db)
  }
}

function sqliteStatements(): string[] {
  return [...rules.map(sqliteRule), ...logs.flatMap(sqliteLog)]
}

function sqliteRule({ name, table, event, when, message }: Rule): string {
  const condition = when === undefined ? '' : ` WHEN ${when}`
  return `CREATE TRIGGER ${name} BEFORE ${event} ON ${table}${condition} BEGIN SELECT RAISE(ABORT, '${message}'); END`
}

function sqliteLog({ name, table, refused, message, chained }: Log): string[] {
  const next = `NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = '${name}')`
  return [
    sqliteRule({ name: `${table}_insert`, table, event: 'INSERT', when: `${next} OR ${refused}`, message }),
    `CREATE TRIGGER ${table}_head AFTER INSERT ON ${table} BEGIN ${moveHead(name, chained)}; END`,
  ]
}

function moveHead(name: string, chained: boolean): string {
  const hash = chained ? ', head_hash = NEW.hash' : ''
  return `UPDATE log_heads SET head_seq = NEW.seq${hash}, updated_at = NEW.at WHERE name = '${name}'`
}

function postgresStatements(): string[] {
  const shared = rules.filter(({ only }) => only === undefined)
  return [...shared.flatMap(postgresRule), ...logs.flatMap(postgresLog), ...noTruncate()]
}

function postgresRule({ name, table, event, when, message }: Rule): string[] {
  const refusal = `RAISE EXCEPTION '${message}' USING ERRCODE = 'restrict_violation';`
  const row = event === 'DELETE' ? 'OLD' : 'NEW'
  const body = when === undefined ? refusal : `IF ${when} THEN ${refusal} END IF; RETURN ${row};`
  return postgresTrigger(name, table, event, body)
}

/**
 * One function checks and moves the head: it locks the head row to the end of the transaction, so that numbers are given in
 * the order of commits, and rows of one statement see the head that the row before them moved.
 */
function postgresLog({ name, table, refused, message, chained }: Log): string[] {
  const body =
    `PERFORM 1 FROM log_heads WHERE name = '${name}' FOR UPDATE;` +
    ` IF NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = '${name}') OR ${refused} THEN` +
    ` RAISE EXCEPTION '${message}' USING ERRCODE = 'restrict_violation'; END IF;` +
    ` ${moveHead(name, chained)}; RETURN NEW;`
  return postgresTrigger(`${table}_insert`, table, 'INSERT', body)
}

function postgresTrigger(name: string, table: string, event: Rule['event'], body: string): string[] {
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`,
    `CREATE TRIGGER ${name} BEFORE ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`,
  ]
}

function noTruncate(): string[] {
  const refusal = "RAISE EXCEPTION '% is never truncated', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';"
  return [
    `CREATE FUNCTION no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${refusal} END $$`,
    ...NEVER_TRUNCATED.map(
      (table) =>
        `CREATE TRIGGER ${table}_no_truncate BEFORE TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION no_truncate()`,
    ),
  ]
}

import type { Engine } from '../step.ts'

/** A table whose entries are written together whenever a number of rows is reached. */
export interface Filled {
  readonly table: string
  /** Whose rows it is written for; they are numbered by `seq`. */
  readonly source: string
  readonly rowsAtOnce: number
  /** Writes the entries of all rows after `NEW.seq - rowsAtOnce`, up to the new one. */
  readonly fill: string
}

/** The trigger that fills it. On PostgreSQL it runs once a statement is done, and finds all rows of that. */
export function fillTriggers(engine: Engine, { table, source, rowsAtOnce, fill }: Filled): string[] {
  const trigger = `${table}_insert`
  const isDue = `NEW.seq % ${String(rowsAtOnce)} = 0`
  if (engine === 'sqlite')
    return [`CREATE TRIGGER ${trigger} AFTER INSERT ON ${source} WHEN ${isDue} BEGIN ${fill}; END`]
  return [
    `CREATE FUNCTION ${trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${fill}; RETURN NULL; END $$`,
    `CREATE TRIGGER ${trigger} AFTER INSERT ON ${source} FOR EACH ROW WHEN (${isDue}) EXECUTE FUNCTION ${trigger}()`,
  ]
}

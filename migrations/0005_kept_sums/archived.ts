/**
 * Whether an agent is archived, beside its name: lists of agents in use need not look at the budget of each. Triggers keep it as
 * `agent_budgets.archived_at` has it.
 */
import type { Engine } from '../step.ts'

const isArchived = (id: string): string =>
  `CASE WHEN EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = ${id} AND b.archived_at IS NOT NULL) THEN 1 ELSE 0 END`

/** The agents of whom it is wrong. */
export const WRONG_ARCHIVED =
  'SELECT a.id FROM agents a JOIN agent_budgets b ON b.agent_id = a.id WHERE (a.archived = 1) <> (b.archived_at IS NOT NULL)'

/** Sets it for every agent. */
export const FILL_ARCHIVED = `UPDATE agents SET archived = 1 - archived WHERE id IN (${WRONG_ARCHIVED})`

/** The new column, filled. */
export function archivedColumn(engine: Engine): string[] {
  const type = engine === 'sqlite' ? 'integer' : 'bigint'
  return [
    `ALTER TABLE agents ADD COLUMN archived ${type} DEFAULT 0 NOT NULL CONSTRAINT agents_archived_check CHECK (archived IN (0, 1))`,
    FILL_ARCHIVED,
  ]
}

export function createArchivedTriggers(engine: Engine): string[] {
  const moved = '(NEW.archived_at IS NULL) <> (OLD.archived_at IS NULL)'
  const move =
    'UPDATE agents SET archived = CASE WHEN NEW.archived_at IS NULL THEN 0 ELSE 1 END WHERE id = NEW.agent_id'
  if (engine === 'sqlite') {
    const fill = `UPDATE agents SET archived = ${isArchived('NEW.id')} WHERE id = NEW.id`
    return [
      `CREATE TRIGGER agents_archived_insert AFTER INSERT ON agents WHEN NEW.archived <> ${isArchived('NEW.id')} BEGIN ${fill}; END`,
      `CREATE TRIGGER agents_archived_update AFTER UPDATE OF archived_at ON agent_budgets WHEN ${moved} BEGIN ${move}; END`,
    ]
  }
  return [
    'CREATE FUNCTION agents_archived_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN' +
      ` NEW.archived := ${isArchived('NEW.id')}; RETURN NEW; END $$`,
    'CREATE TRIGGER agents_archived_insert BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION agents_archived_insert()',
    `CREATE FUNCTION agents_archived_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${move}; RETURN NULL; END $$`,
    'CREATE TRIGGER agents_archived_update AFTER UPDATE OF archived_at ON agent_budgets FOR EACH ROW' +
      ` WHEN (${moved}) EXECUTE FUNCTION agents_archived_update()`,
  ]
}

/**
 * Whose an agent is and whether it is archived, beside its name: lists of agents need not look at the budget of each. Triggers keep both
 * as `agent_budgets` has them, where there is a row of every agent before it.
 */
import type { Engine } from '../step.ts'

/** By column of `agents`, as SQL over a row of `agent_budgets` whose columns begin with the given text. */
const COPIES: Readonly<Record<string, (row: string) => string>> = {
  archived: (row) => `CASE WHEN ${row}archived_at IS NULL THEN 0 ELSE 1 END`,
  owner_id: (row) => `${row}owner_id`,
}

const copied = (row: string): string =>
  Object.entries(COPIES)
    .map(([column, of]) => `${column} = ${of(row)}`)
    .join(', ')

/** Agents whose copy is wrong, by column. */
export const WRONG_COPIES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(COPIES).map(([column, of]) => [
    column,
    `SELECT a.id FROM agents a JOIN agent_budgets b ON b.agent_id = a.id WHERE a.${column} IS DISTINCT FROM ${of('b.')}`,
  ]),
)

const copiedFrom = (agents: string): string =>
  `UPDATE agents SET ${copied('b.')} FROM agent_budgets b WHERE b.agent_id = agents.id AND agents.id = ${agents}`

/** Copies both for every agent. */
export const FILL_COPIES = copiedFrom('b.agent_id')

/** The new columns, filled. */
export function copiedColumns(engine: Engine): string[] {
  const [integer, text] = engine === 'sqlite' ? ['integer', 'text'] : ['bigint', 'text COLLATE "C"']
  return [
    `ALTER TABLE agents ADD COLUMN archived ${integer} DEFAULT 0 NOT NULL CONSTRAINT agents_archived_check CHECK (archived IN (0, 1))`,
    `ALTER TABLE agents ADD COLUMN owner_id ${text} CONSTRAINT agents_owner_id_check CHECK (length(owner_id) BETWEEN 1 AND 255)`,
    FILL_COPIES,
  ]
}

const CHANGED = 'NEW.owner_id IS DISTINCT FROM OLD.owner_id OR (NEW.archived_at IS NULL) <> (OLD.archived_at IS NULL)'

export function createCopyTriggers(engine: Engine): string[] {
  const copy = `UPDATE agents SET ${copied('NEW.')} WHERE id = NEW.agent_id`
  if (engine === 'sqlite') {
    return [
      `CREATE TRIGGER agents_copies_insert AFTER INSERT ON agents BEGIN ${copiedFrom('NEW.id')}; END`,
      `CREATE TRIGGER agents_copies_update AFTER UPDATE OF archived_at, owner_id ON agent_budgets WHEN ${CHANGED} BEGIN ${copy}; END`,
    ]
  }
  return postgresTriggers()
}

/** Agents that one statement moves, up to which they are noted before they are copied. */
const NOTED_MAX = 100

/** Which agents are to be copied: a variable of the transaction, which a savepoint that is rolled back takes along. */
const NOTED = 'iron.agents_moved'

/**
 * Agents that change are noted and copied together, at the end of the statement or a hundred at a time: one by one, each would be counted
 * by itself.
 */
function postgresTriggers(): string[] {
  const found = Object.entries(COPIES).map(([column, of]) => `NEW.${column} := ${of('b.')};`)
  const noted = `CAST(coalesce(nullif(current_setting('${NOTED}', true), ''), '{}') AS text[])`
  return [
    'CREATE FUNCTION agents_copies_insert() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE b agent_budgets; BEGIN' +
      ` SELECT * INTO b FROM agent_budgets o WHERE o.agent_id = NEW.id; ${found.join(' ')} RETURN NEW; END $$`,
    'CREATE TRIGGER agents_copies_insert BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION agents_copies_insert()',
    'CREATE FUNCTION agents_copies_note() RETURNS trigger LANGUAGE plpgsql AS $$' +
      ` DECLARE noted text[] := ${noted} || NEW.agent_id; BEGIN PERFORM set_config('${NOTED}', noted::text, true);` +
      ` IF cardinality(noted) >= ${String(NOTED_MAX)} THEN PERFORM copy_noted_agents(); END IF; RETURN NULL; END $$`,
    'CREATE TRIGGER agents_copies_note AFTER UPDATE OF archived_at, owner_id ON agent_budgets FOR EACH ROW' +
      ` WHEN (${CHANGED}) EXECUTE FUNCTION agents_copies_note()`,
    'CREATE FUNCTION copy_noted_agents() RETURNS void LANGUAGE plpgsql AS $$' +
      ` DECLARE noted text[] := ${noted}; BEGIN IF noted = '{}' THEN RETURN; END IF;` +
      ` PERFORM set_config('${NOTED}', '', true); ${copiedFrom('ANY (noted)')}; END $$`,
    'CREATE FUNCTION agents_copies_update() RETURNS trigger LANGUAGE plpgsql AS $$' +
      ' BEGIN PERFORM copy_noted_agents(); RETURN NULL; END $$',
    'CREATE TRIGGER agents_copies_update AFTER UPDATE OF archived_at, owner_id ON agent_budgets FOR EACH STATEMENT' +
      ' EXECUTE FUNCTION agents_copies_update()',
  ]
}

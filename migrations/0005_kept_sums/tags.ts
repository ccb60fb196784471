/**
 * The tags of agents as rows, so that agents are found by a tag, in the order in which they were made; triggers keep them as
 * `agents.tags` has them.
 */
import { references, text, time } from '../0001_baseline/columns.ts'
import type { Table } from '../0001_baseline/create-table.ts'
import type { Engine } from '../step.ts'

export const agentTags: Table = {
  name: 'agent_tags',
  columns: { tag: text(), created_at: time(), agent_id: references('agents', 'id', 'cascade') },
  primaryKey: ['tag', 'created_at', 'agent_id'],
  indexes: { agent: { columns: ['agent_id'] } },
  clustered: true,
}

/** The same rows, read from the agents. */
export function taggedAgentView(engine: Engine): string {
  const [tags, tag] =
    engine === 'sqlite'
      ? ['json_each(a.tags) j', 'j.value']
      : ['LATERAL json_array_elements_text(a.tags::json) AS j(tag)', 'j.tag COLLATE "C"']
  return `CREATE VIEW tagged_agent AS SELECT DISTINCT a.id AS agent_id, a.created_at, ${tag} AS tag FROM agents a, ${tags}`
}

const COLUMNS = 'tag, created_at, agent_id'
const FROM_AGENTS = `INSERT INTO agent_tags (${COLUMNS}) SELECT ${COLUMNS} FROM tagged_agent`

/** Fills an empty `agent_tags`. */
export const FILL_TAGS = FROM_AGENTS

const except = (one: string, other: string): string =>
  `SELECT * FROM (SELECT ${COLUMNS} FROM ${one} EXCEPT SELECT ${COLUMNS} FROM ${other}) ${one}_more`

/** Agents whose tags are not the rows. */
export const WRONG_TAGS =
  `SELECT DISTINCT agent_id FROM (${except('agent_tags', 'tagged_agent')}` +
  ` UNION ALL ${except('tagged_agent', 'agent_tags')}) w ORDER BY 1`

export function createTagTriggers(engine: Engine): string[] {
  const [gone, made] = [
    'DELETE FROM agent_tags WHERE agent_id = NEW.id',
    `${FROM_AGENTS} WHERE agent_id = NEW.id AND NEW.tags <> '[]'`,
  ]
  if (engine === 'sqlite') {
    return [
      `CREATE TRIGGER agents_tags_insert AFTER INSERT ON agents WHEN NEW.tags <> '[]' BEGIN ${made}; END`,
      'CREATE TRIGGER agents_tags_update AFTER UPDATE OF tags ON agents WHEN NEW.tags <> OLD.tags' +
        ` BEGIN ${gone}; ${made}; END`,
    ]
  }
  return [
    'CREATE FUNCTION agents_tags() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN' +
      ` IF TG_OP = 'UPDATE' THEN ${gone}; END IF; ${made}; RETURN NULL; END $$`,
    "CREATE TRIGGER agents_tags_insert AFTER INSERT ON agents FOR EACH ROW WHEN (NEW.tags <> '[]') EXECUTE FUNCTION agents_tags()",
    'CREATE TRIGGER agents_tags_update AFTER UPDATE OF tags ON agents FOR EACH ROW WHEN (NEW.tags <> OLD.tags)' +
      ' EXECUTE FUNCTION agents_tags()',
  ]
}

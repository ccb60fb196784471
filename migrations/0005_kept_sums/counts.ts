/** How many rows each part of a list has, kept by triggers for the lists whose totals are asked for with few filters or none. */
import type { Engine } from '../step.ts'

interface CountedList {
  readonly list: string
  /** Default: of the same name. */
  readonly table?: string
  /** The part that a row is of, as SQL over a row whose columns begin with the given text. */
  readonly part: (row: string) => string
  /** Columns that decide on it; none of rows that come and go. */
  readonly by: readonly string[]
}

const archivedOf = (id: string): string =>
  `EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = ${id} AND b.archived_at IS NOT NULL)`

const DAY_MS = 86_400_000
/** Makes the numbers of days equally long texts. */
const DAY_ZERO = 1_000_000_000

/** Tokens in use are told apart by the day on which they expire, so that none need be looked at but those of today. */
const tokenPart = (row: string): string =>
  `CASE WHEN ${row}revoked_at IS NOT NULL THEN 'revoked' WHEN ${row}expires_at IS NULL THEN 'kept'` +
  ` ELSE 'until ' || CAST(${String(DAY_ZERO)} + ${row}expires_at / ${String(DAY_MS)} AS text) END`

/** The part of tokens that expire on the day of an instant, and of its order all that expire later. */
export const expiryPart = (ms: number): string => `until ${String(DAY_ZERO + Math.floor(ms / DAY_MS))}`

/** An agent is counted under each of its tags. */
const taggedPart = (archived: string, tag: string): string =>
  `CASE WHEN ${archived} THEN 'archived ' ELSE 'active ' END || ${tag}`

const agentPart = (row: string): string =>
  `${row}state || CASE WHEN ${row}archived = 1 THEN ' archived' ELSE ' active' END`

const LISTS: readonly CountedList[] = [
  {
    list: 'agents',
    part: agentPart,
    by: ['state', 'archived'],
  },
  // For the lists of one owner, who may have thousands.
  {
    list: 'owned_agents',
    table: 'agents',
    part: (row) => `${agentPart(row)} || ' ' || coalesce(${row}owner_id, '')`,
    by: ['state', 'archived', 'owner_id'],
  },
  { list: 'agent_tags', part: (row) => taggedPart(archivedOf(`${row}agent_id`), `${row}tag`), by: [] },
  { list: 'provider_keys', part: (row) => `${row}status`, by: ['status'] },
  { list: 'api_tokens', part: tokenPart, by: ['revoked_at', 'expires_at'] },
  { list: 'budget_requests', part: (row) => `${row}status`, by: ['status'] },
  {
    list: 'users',
    part: (row) =>
      `${row}role || CASE WHEN ${row}deleted_at IS NOT NULL THEN ' deleted'` +
      ` WHEN ${row}suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END`,
    by: ['role', 'suspended_at', 'deleted_at'],
  },
]

/** The counts of what there is, as `list_counts` has them. */
export const LIST_COUNTS = LISTS.map(
  ({ list, table = list, part }) =>
    `SELECT '${list}' AS list, ${part('t.')} AS part, count(*) AS entries FROM ${table} t GROUP BY 2`,
).join(' UNION ALL ')

/** Fills an empty `list_counts`. */
export const FILL_LIST_COUNTS =
  'INSERT INTO list_counts (list, part, shard, entries)' +
  ` SELECT c.list, c.part, 0, c.entries FROM (${LIST_COUNTS}) c`

/** The same counts as they are kept. */
export const KEPT_LIST_COUNTS =
  'SELECT list, part, CAST(sum(entries) AS bigint) AS entries FROM list_counts GROUP BY list, part HAVING sum(entries) <> 0'

export function createCountTriggers(engine: Engine): string[] {
  return engine === 'sqlite' ? [...LISTS.flatMap(sqliteTriggers), sqliteTagsArchived()] : postgresTriggers()
}

function sqliteTriggers({ list, table = list, part, by }: CountedList): string[] {
  const [gone, made] = [sqliteAdd(list, part('OLD.'), '-1'), sqliteAdd(list, part('NEW.'), '1')]
  const triggers = [
    `CREATE TRIGGER ${list}_count_insert AFTER INSERT ON ${table} BEGIN ${made}; END`,
    `CREATE TRIGGER ${list}_count_delete AFTER DELETE ON ${table} BEGIN ${gone}; END`,
  ]
  if (by.length === 0) return triggers
  const update =
    `CREATE TRIGGER ${list}_count_update AFTER UPDATE OF ${by.join(', ')} ON ${table}` +
    ` WHEN ${part('NEW.')} <> ${part('OLD.')} BEGIN ${gone}; ${made}; END`
  return [...triggers, update]
}

function sqliteAdd(list: string, part: string, rows: string, from = '', where = 'true'): string {
  return (
    `INSERT INTO list_counts (list, part, shard, entries) SELECT '${list}', ${part}, 0, ${rows}${from} WHERE ${where}` +
    ' ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries'
  )
}

/** The tags of an agent that is archived, or was. */
function sqliteTagsArchived(): string {
  const add = (row: string, rows: string): string => {
    const part = taggedPart(`${row}.archived_at IS NOT NULL`, 't.tag')
    return sqliteAdd('agent_tags', part, rows, ' FROM agent_tags t', 't.agent_id = NEW.agent_id')
  }
  return (
    'CREATE TRIGGER agent_tags_count_archived AFTER UPDATE OF archived_at ON agent_budgets' +
    ` WHEN (NEW.archived_at IS NULL) <> (OLD.archived_at IS NULL) BEGIN ${add('OLD', '-1')}; ${add('NEW', '1')}; END`
  )
}

/** As with the sums of budgets, nobody waits for a row that another transaction holds. */
function postgresTriggers(): string[] {
  const count =
    'CREATE FUNCTION count_entries(counted text, counted_part text, more bigint) RETURNS void LANGUAGE plpgsql AS $$' +
    ' DECLARE free bigint; BEGIN SELECT c.shard INTO free FROM list_counts c WHERE c.list = counted AND c.part = counted_part' +
    ' ORDER BY c.shard LIMIT 1 FOR UPDATE SKIP LOCKED;' +
    ' IF FOUND THEN UPDATE list_counts c SET entries = c.entries + more' +
    ' WHERE c.list = counted AND c.part = counted_part AND c.shard = free;' +
    ' ELSE INSERT INTO list_counts (list, part, shard, entries)' +
    ' VALUES (counted, counted_part, CAST(CAST(pg_current_xact_id() AS text) AS bigint), more); END IF; END $$'
  return [
    count,
    ...postgresNotes(),
    ...LISTS.flatMap(({ list, table = list, part, by }) => {
      const bulk = [
        ...postgresBulk(list, table, 'insert', 'NEW', part('t.'), 1),
        ...postgresBulk(list, table, 'delete', 'OLD', part('t.'), -1),
      ]
      if (by.length === 0) return bulk
      const changed = by.map((column) => `OLD.${column} IS DISTINCT FROM NEW.${column}`).join(' OR ')
      return [...bulk, ...postgresMove(list, table, by, changed, part('OLD.'), part('NEW.'))]
    }),
    ...postgresTagsArchived(),
  ]
}

/** The tags of an agent that is archived, or was. */
function postgresTagsArchived(): string[] {
  const part = (row: string): string => taggedPart(`${row}.archived_at IS NOT NULL`, 'd.tag')
  const counted = (['OLD', 'NEW'] as const).map(
    (row, index) => ` PERFORM count_entries('agent_tags', ${part(row)}, ${index === 0 ? '-1' : '1'});`,
  )
  const name = 'agent_tags_count_archived'
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE d record; BEGIN` +
      ` FOR d IN SELECT t.tag FROM agent_tags t WHERE t.agent_id = NEW.agent_id LOOP${counted.join('')} END LOOP; RETURN NULL; END $$`,
    `CREATE TRIGGER ${name} AFTER UPDATE OF archived_at ON agent_budgets FOR EACH ROW` +
      ` WHEN ((OLD.archived_at IS NULL) <> (NEW.archived_at IS NULL)) EXECUTE FUNCTION ${name}()`,
  ]
}

/** Many rows may come at once: they are counted together. */
function postgresBulk(
  list: string,
  table: string,
  event: 'insert' | 'delete',
  rows: 'NEW' | 'OLD',
  part: string,
  sign: 1 | -1,
): string[] {
  const name = `${list}_count_${event}`
  const body =
    `FOR d IN SELECT ${part} AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP` +
    ` PERFORM count_entries('${list}', d.part, ${String(sign)} * d.entries); END LOOP; RETURN NULL;`
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE d record; BEGIN ${body} END $$`,
    `CREATE TRIGGER ${name} AFTER ${event.toUpperCase()} ON ${table} REFERENCING ${rows} TABLE AS moved` +
      ` FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`,
  ]
}

/**
 * A row that changes its part; most changes of a row are of something else, and never get here. What the rows of a statement change is
 * noted and counted at its end, together: a row of counts that one transaction writes ten thousand times is looked for among ten
 * thousand versions of it.
 */
function postgresMove(
  list: string,
  table: string,
  by: readonly string[],
  when: string,
  old: string,
  now: string,
): string[] {
  const name = `${list}_count_update`
  const body =
    `gone := ${old}; made := ${now}; IF gone <> made THEN PERFORM note_count('${list}', gone, -1);` +
    ` PERFORM note_count('${list}', made, 1); END IF; RETURN NULL;`
  const noted = `${list}_count_noted`
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE gone text; made text; BEGIN ${body} END $$`,
    `CREATE TRIGGER ${name} AFTER UPDATE OF ${by.join(', ')} ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION ${name}()`,
    `CREATE FUNCTION ${noted}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM count_noted('${list}'); RETURN NULL; END $$`,
    `CREATE TRIGGER ${noted} AFTER UPDATE OF ${by.join(', ')} ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION ${noted}()`,
  ]
}

/** Length of notes from which on they are counted before the statement ends: they are read and written with every row. */
export const NOTES_MAX = 8_000

/** Notes are a variable of the transaction, which a savepoint that is rolled back takes along: part by part, how many more. */
function postgresNotes(): string[] {
  const noted = `coalesce(nullif(current_setting('iron.counts_' || counted, true), ''), '{}')`
  return [
    'CREATE FUNCTION note_count(counted text, counted_part text, more bigint) RETURNS void LANGUAGE plpgsql AS $$' +
      ` DECLARE noted jsonb := ${noted}; notes text; BEGIN` +
      ' notes := jsonb_set(noted, ARRAY[counted_part], to_jsonb(coalesce(CAST(noted ->> counted_part AS bigint), 0) + more));' +
      ` PERFORM set_config('iron.counts_' || counted, notes, true);` +
      ` IF length(notes) > ${String(NOTES_MAX)} THEN PERFORM count_noted(counted); END IF; END $$`,
    'CREATE FUNCTION count_noted(counted text) RETURNS void LANGUAGE plpgsql AS $$' +
      ` DECLARE noted jsonb := ${noted}; d record; BEGIN IF noted = '{}' THEN RETURN; END IF;` +
      ` PERFORM set_config('iron.counts_' || counted, '', true);` +
      ` FOR d IN SELECT n.key AS part, CAST(n.value AS bigint) AS more FROM jsonb_each_text(noted) n WHERE n.value <> '0' ORDER BY 1 LOOP` +
      ' PERFORM count_entries(counted, d.part, d.more); END LOOP; END $$',
  ]
}

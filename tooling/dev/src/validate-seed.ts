/**
 * Holds a seeded database against its documentation: the story is told again from the stored anchor, and everything is compared.
 * What writes when it is used (logging in, say) is tried on a copy; the database itself is only read. SQLite only.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type IronDatabase, openDatabase, type Violation } from '@iron/database'
import { manualClock, SEED_LIMITS, SEED_PROVIDERS, SEED_TOKENS, SEED_USERS } from '@iron/token-manager/testing'
import {
  type ControlApiConfig,
  openForSeeding,
  SEED_NUMBER,
  type Secrets,
  tellSeed,
} from '@iron/control-api/development'
import { checkBooks, checkCounters, checkThresholds } from './validate-seed/check-books.ts'
import { checkPasswords, checkProviderKeys, checkTokens } from './validate-seed/check-credentials.ts'
import { compareRows } from './validate-seed/compare-rows.ts'

/** Base-two logarithm of bcrypt's rounds of the story that is told again, and of the logins that are tried: nobody times them. */
const RETOLD_BCRYPT_COST = 4

/** What a database is held against. */
export interface SeedExpectations {
  readonly config: ControlApiConfig
  readonly secrets: Secrets
}

/** Every difference between a database and the seed; none when it is as it was seeded. */
export async function validateSeed(db: IronDatabase, { config, secrets }: SeedExpectations): Promise<Violation[]> {
  const mark = await readMark(db)
  if (typeof mark === 'string') return [{ rule: 'seeded', where: 'meta', text: mark }]
  const clock = manualClock(mark.anchor)
  const expected = await openForSeeding(config, secrets, clock)
  try {
    await tellSeed(expected, secrets, { clock, anchor: mark.anchor, bcryptCost: RETOLD_BCRYPT_COST })
    return await compareWithSeed(db, expected.database, { config, secrets })
  } finally {
    await expected.close()
    await expected.database.close()
  }
}

/** The same with a story that has been told already; its clock stands at the anchor. */
export async function compareWithSeed(
  db: IronDatabase,
  expected: IronDatabase,
  { config, secrets }: SeedExpectations,
): Promise<Violation[]> {
  const at = { clock: expected.clock }
  const hmacKey = config.auditKey === undefined ? undefined : Buffer.from(config.auditKey)
  const findings = [
    ...(await checkCounts(db)),
    ...(await compareRows(db, expected)),
    ...(await checkCounters(db)),
    ...(await checkThresholds(db, expected)),
  ]
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-validate-'))
  try {
    const file = path.join(folder, 'copy')
    await db.backup(file)
    await using copy = await openDatabase(file, { migrations: 'unchecked', readers: 1, ...at })
    findings.push(
      ...(await attempt('books', () => checkBooks(copy, at, hmacKey))),
      ...(await attempt('token', () => checkTokens(copy, at))),
      ...(await attempt('password', () => checkPasswords(copy, secrets, { ...at, bcryptCost: RETOLD_BCRYPT_COST }))),
      ...(await attempt('provider-key', () => checkProviderKeys(copy, secrets, at))),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return findings
}

/** A check that cannot be made is a finding like any other: the rest is looked at nevertheless. */
async function attempt(rule: string, check: () => Promise<Violation[]>): Promise<Violation[]> {
  try {
    return await check()
  } catch (error) {
    return [
      { rule, where: 'database', text: `cannot be checked: ${error instanceof Error ? error.message : String(error)}` },
    ]
  }
}

/** When the database was seeded, or what is wrong with that. */
async function readMark(db: IronDatabase): Promise<{ readonly anchor: number } | string> {
  const row = await db.read(({ sql }) =>
    sql.selectFrom('meta').select('value').where('key', '=', 'seeded').executeTakeFirst(),
  )
  if (row === undefined) return 'the database was never seeded'
  const [, anchor] = new RegExp(`^\\{"anchor":(\\d{1,15}),"seed":${String(SEED_NUMBER)}\\}$`).exec(row.value) ?? []
  return anchor === undefined ? `the mark of the seed is ${row.value}` : { anchor: Number(anchor) }
}

/** How many of each there are (seed-and-dev-workflow 1.2). */
const COUNTS = {
  users: SEED_USERS.length,
  provider_keys: SEED_PROVIDERS.length,
  api_tokens: SEED_TOKENS.length,
  limits: SEED_LIMITS.length,
} as const

async function checkCounts(db: IronDatabase): Promise<Violation[]> {
  const findings: Violation[] = []
  for (const [table, expected] of Object.entries(COUNTS) as [keyof typeof COUNTS, number][]) {
    const rows = await db.read(({ sql }) => sql.selectFrom(table).select('id').execute())
    if (rows.length === expected) continue
    findings.push({ rule: 'count', where: table, text: `has ${String(rows.length)} rows, not ${String(expected)}` })
  }
  return findings
}

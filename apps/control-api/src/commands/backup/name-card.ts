/**
 * What stands beside a backup: which file it is, to the byte, and where both chains of what it holds end. Kept away from the
 * database and the backup, it also shows who changed both.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type IronDatabase, migrations, tableCounts } from '@iron/database'
import type { LedgerHead } from '@iron/lease-manager'
import { RefusedError, UsageError } from '../../command-line/exit-codes.ts'
import { version } from '../../version.ts'
import { formatHead } from '../heads.ts'
import type { Findings } from '../verify/findings.ts'

/** The layout of {@link NameCard}. */
const FORMAT = 1

/** A name card, as it is written. */
export interface NameCard {
  readonly format: typeof FORMAT
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** ISO 8601. */
  readonly made_at: string
  /** Where it comes from, without password. */
  readonly database: string
  readonly iron_version: string
  readonly schema_version: number
  /** Whether `iron verify` found nothing in it. */
  readonly sound: boolean
  /** `<seq>:<hash>` of the last entry of the audit log; null when it could not be read. */
  readonly audit_head: string | null
  readonly ledger: { readonly agents: number; readonly heads_sha256: string }
  readonly rows: Readonly<Record<string, number>>
}

/** What a database holds, as far as a card tells it. */
export type Contents = Pick<NameCard, 'audit_head' | 'ledger' | 'rows'>

export function cardOf(file: string): string {
  return `${file}.json`
}

/** What an examined database holds. */
export async function contentsOf(database: IronDatabase, { audit, ledger }: Findings): Promise<Contents> {
  return {
    audit_head: audit.head === null ? null : formatHead(audit.head),
    ledger: { agents: ledger.heads.length, heads_sha256: digestOf(ledger.heads) },
    rows: await tableCounts(database),
  }
}

/** The card of a backup that was examined and closed. */
export async function makeCard(
  file: string,
  contents: Contents,
  made: { readonly at: string; readonly from: string; readonly sound: boolean },
): Promise<NameCard> {
  const { size } = await stat(file)
  return {
    format: FORMAT,
    file: path.basename(file),
    bytes: size,
    sha256: await sha256Of(file),
    made_at: made.at,
    database: made.from,
    iron_version: version,
    schema_version: migrations.length,
    sound: made.sound,
    ...contents,
  }
}

export async function writeCard(file: string, card: NameCard): Promise<void> {
  await writeFile(cardOf(file), `${JSON.stringify(card, null, 2)}\n`, { flag: 'wx' })
}

/**
 * @throws {RefusedError} when there is none
 * @throws {UsageError} when it is not a card of this format, or there is no backup either
 */
export async function readCard(file: string): Promise<NameCard> {
  const name = cardOf(file)
  const text = await readFile(name, 'utf8').catch(() => undefined)
  if (text === undefined) {
    // A mistyped name must not be answered with the advice to do without the check.
    if ((await stat(file).catch(() => undefined)) === undefined) throw new UsageError(`there is no backup ${file}`)
    throw new RefusedError(`there is no name card ${name} to check the backup against (--without-card does without)`)
  }
  try {
    const card = JSON.parse(text) as NameCard
    if ((card as { format?: unknown }).format === FORMAT && typeof card.sha256 === 'string') return card
  } catch {
    // Said below.
  }
  throw new UsageError(`${name} is not the name card of a backup`)
}

/** What a backup says otherwise than its card; nothing when they belong together. */
export function differencesFrom(card: NameCard, contents: Contents): string[] {
  const differences: string[] = []
  const compare = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected) differences.push(`${what} is ${String(found)}, by the name card ${String(expected)}`)
  }
  compare('the head of the audit log', contents.audit_head, card.audit_head)
  compare('the number of agents', contents.ledger.agents, card.ledger.agents)
  compare('the digest of the ledger heads', contents.ledger.heads_sha256, card.ledger.heads_sha256)
  for (const table of new Set([...Object.keys(contents.rows), ...Object.keys(card.rows)])) {
    compare(`the number of rows of ${table}`, contents.rows[table], card.rows[table])
  }
  return differences
}

/** SHA-256 of a file, in constant memory. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

function digestOf(heads: readonly LedgerHead[]): string {
  const lines = heads.map((head) => `${formatHead(head)}\n`).sort()
  return createHash('sha256').update(lines.join('')).digest('hex')
}

import { stat } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseError, openDatabase } from '@iron/database'
import { EXIT_CODES, RefusedError } from '../command-line/exit-codes.ts'
import { type ControlApiConfig, loadConfig } from '../config.ts'
import { cardOf, contentsOf, makeCard, type NameCard, writeCard } from './backup/name-card.ts'
import { auditLogOf } from './examined-database.ts'
import { Progress } from './progress.ts'
import { examine } from './verify/examine.ts'
import type { Findings } from './verify/findings.ts'
import { findingsText } from './verify/print-findings.ts'

/** How `iron backup` is called. */
export interface BackupOptions {
  readonly from?: string | undefined
  readonly json?: boolean | undefined
}

/**
 * `iron backup`: one SQLite file of either engine, as the database was at one moment. The file is examined as `iron verify` would,
 * and the card tells what was found: a backup of a damaged database is better than none, and exit code 1 says so.
 */
export async function backup(place: string, { from, json }: BackupOptions): Promise<void> {
  const config = loadConfig()
  const madeAt = new Date()
  const file = await fileAt(place, madeAt)
  const source = await writeBackup(from ?? config.databaseUrl, file)
  const { card, findings } = await describeBackup(file, config, { at: madeAt.toISOString(), from: source })
  await writeCard(file, card)
  process.stdout.write(json === true ? `${JSON.stringify(card)}\n` : textOf(file, card))
  if (findings.ok) return
  process.stderr.write(`the backup is written, but what it holds is not sound:\n${findingsText(findings)}`)
  process.exitCode = EXIT_CODES.findings
}

/** @returns where the database is, without password */
async function writeBackup(url: string, file: string): Promise<string> {
  await using database = await openDatabase(url, { migrations: 'unchecked' })
  using progress = new Progress()
  try {
    await database.backup(file, {
      onProgress: ({ phase, table, rows, rowsTotal }) => progress.at(`${phase} ${table}, rows`, rows, rowsTotal),
    })
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'COPY_REFUSED') throw new RefusedError(error.message)
    throw error
  }
  return database.url
}

async function describeBackup(
  file: string,
  config: ControlApiConfig,
  made: { readonly at: string; readonly from: string },
): Promise<{ readonly card: NameCard; readonly findings: Findings }> {
  const { findings, contents } = await examineFile(file, config)
  // The file is what it is once its handle is closed.
  return { findings, card: await makeCard(file, contents, { ...made, sound: findings.ok }) }
}

async function examineFile(
  file: string,
  config: ControlApiConfig,
): Promise<{ readonly findings: Findings; readonly contents: Awaited<ReturnType<typeof contentsOf>> }> {
  await using database = await openDatabase(file, { migrations: 'unchecked' })
  const findings = await examine(database, auditLogOf(database, config), { audit: undefined, ledger: [] })
  return { findings, contents: await contentsOf(database, findings) }
}

/** A folder gets a file named by the time, which sorts. */
async function fileAt(place: string, at: Date): Promise<string> {
  const isFolder = await stat(place).then(
    (found) => found.isDirectory(),
    () => place.endsWith(path.sep) || place.endsWith('/'),
  )
  const file = isFolder ? path.join(place, `iron-${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.db`) : place
  if (await exists(cardOf(file))) throw new RefusedError(`${cardOf(file)} exists already`)
  return file
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

function textOf(file: string, { bytes, rows, audit_head: auditHead, ledger, sound }: NameCard): string {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0)
  return [
    `backup   ${file}, ${bytes.toLocaleString('en-US')} bytes, ${total.toLocaleString('en-US')} rows`,
    `card     ${cardOf(file)}: keep a copy elsewhere`,
    `audit    ${auditHead ?? 'cannot be read'}`,
    `ledger   ${String(ledger.agents)} agents, ${sound ? 'sound' : 'see below'}`,
    '',
  ].join('\n')
}

import { type IronDatabase, openDatabase } from '@iron/database'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import { type ControlApiConfig, loadConfig } from '../config.ts'
import { contentsOf, differencesFrom, type NameCard, readCard, sha256Of } from './backup/name-card.ts'
import { refuseUnsound, transfer } from './backup/transfer.ts'
import { auditLogOf } from './examined-database.ts'
import { type HeadOptions, keptHeads } from './heads.ts'
import { examine } from './verify/examine.ts'
import type { Findings } from './verify/findings.ts'

/** How `iron restore` is called. */
export interface RestoreOptions extends HeadOptions {
  readonly to?: string | undefined
  readonly withoutCard?: boolean | undefined
  readonly json?: boolean | undefined
}

/**
 * `iron restore`: a backup that is the one its name card describes, to the byte, and whose chains are whole, fills an empty database
 * of either engine. Anything else is exit code 1, and the target is not touched.
 */
export async function restore(file: string, options: RestoreOptions): Promise<void> {
  const config = loadConfig()
  const card = options.withoutCard === true ? undefined : await readCard(file)
  const kept = await keptHeads(options)
  if (card !== undefined && (await sha256Of(file)) !== card.sha256) {
    refuse(['the file is not the one that the name card describes: its SHA-256 differs'])
    return
  }
  await using source = await openDatabase(file, { migrations: 'unchecked' })
  const findings = await examine(source, auditLogOf(source, config), kept)
  if (!findings.ok) {
    refuseUnsound('the backup', findings)
    return
  }
  const differences = await compare(card, source, findings)
  if (differences.length > 0) {
    refuse(differences)
    return
  }
  await transfer({ source, findings, to: options.to ?? targetOf(config), config, json: options.json })
}

async function compare(card: NameCard | undefined, source: IronDatabase, findings: Findings): Promise<string[]> {
  return card === undefined ? [] : differencesFrom(card, await contentsOf(source, findings))
}

function refuse(differences: readonly string[]): void {
  process.stderr.write(`the backup was changed, and nothing was restored:\n`)
  for (const difference of differences) process.stderr.write(`  ${difference}\n`)
  process.exitCode = EXIT_CODES.findings
}

function targetOf(config: ControlApiConfig): string {
  return config.migrateDatabaseUrl ?? config.databaseUrl
}

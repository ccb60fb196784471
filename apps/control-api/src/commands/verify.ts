import { rename, writeFile } from 'node:fs/promises'
import type { IronDatabase } from '@iron/database'
import { type ControlApiConfig, loadConfig } from '../config.ts'
import { auditLogOf, openAsItIs } from './examined-database.ts'
import { formatHead, type HeadOptions, keptHeads, type KeptHeads } from './heads.ts'
import { Progress } from './progress.ts'
import { examine } from './verify/examine.ts'
import type { Findings } from './verify/findings.ts'
import { findingsJson, findingsText } from './verify/print-findings.ts'

/** How `iron verify` is called. */
export interface VerifyOptions extends HeadOptions {
  /** Where the heads are kept when everything is sound. */
  readonly saveHeads?: string | undefined
  readonly json?: boolean | undefined
}

/**
 * `iron verify`: examines the configured database and names what differs. Exit code 1 when anything does. Writes nothing into
 * the database; a running server audits what its own checks find.
 */
export async function verify(options: VerifyOptions): Promise<void> {
  const config = loadConfig()
  const kept = await keptHeads(options)
  await using database = await openAsItIs(config)
  const findings = await examineWithProgress(database, config, kept, options.json !== true)
  process.stdout.write(options.json === true ? findingsJson(findings) : findingsText(findings))
  if (!findings.ok) process.exitCode = 1
  else if (options.saveHeads !== undefined) await saveHeads(options.saveHeads, findings)
}

/** Shows a person in a terminal how far it is; a log gets nothing but the findings. */
async function examineWithProgress(
  database: IronDatabase,
  config: ControlApiConfig,
  kept: KeptHeads,
  isForPerson: boolean,
): Promise<Findings> {
  using progress = new Progress()
  const beganMs = performance.now()
  const onVerified = (rows: number, total: number): void => {
    const rate = Math.round((rows * 1_000) / (performance.now() - beganMs))
    progress.at(`${rate.toLocaleString('en-US')} ledger rows/s,`, rows, total)
  }
  const isShown = isForPerson && process.stderr.isTTY
  return await examine(database, auditLogOf(database, config), kept, {
    url: config.databaseUrl,
    ...(isShown && { onVerified }),
  })
}

/** Written beside and renamed: the last good heads are never half replaced. */
async function saveHeads(file: string, { audit, ledger }: Findings): Promise<void> {
  const heads = [...(audit.head === null ? [] : [audit.head]), ...ledger.heads]
  const draft = `${file}.${String(process.pid)}`
  await writeFile(draft, heads.map((head) => `${formatHead(head)}\n`).join(''))
  await rename(draft, file)
}

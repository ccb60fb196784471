import type { Copied, IronDatabase } from '@iron/database'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { ControlApiConfig } from '../../config.ts'
import { auditLogOf } from '../examined-database.ts'
import type { KeptHeads } from '../heads.ts'
import { examine } from '../verify/examine.ts'
import type { Findings } from '../verify/findings.ts'
import { findingsJson, findingsText } from '../verify/print-findings.ts'
import { openTarget } from './empty-target.ts'
import { fill } from './fill.ts'

/** An examined database and where it goes. */
export interface Transfer {
  readonly source: IronDatabase
  readonly findings: Findings
  readonly to: string
  readonly config: ControlApiConfig
  readonly json?: boolean | undefined
}

/**
 * Fills an empty database from one that was found sound, and examines what arrived against the heads that the source was found
 * with. Prints the findings; exit code 1 when there are any.
 *
 * @returns what was copied, and whether it is sound
 */
export async function transfer({ source, findings, to, config, json }: Transfer): Promise<Copied> {
  await using target = await openTarget(to)
  const copied = await fill(source, target)
  const found = await examine(target, auditLogOf(target, config), headsOf(findings))
  process.stdout.write(json === true ? findingsJson(found) : findingsText(found))
  if (!found.ok) process.exitCode = EXIT_CODES.findings
  process.stderr.write(`${copied.rows.toLocaleString('en-US')} rows are now in ${target.url}\n`)
  process.stderr.write(
    'Its servers need the same JWT_SECRET, IC_TOKEN_SECRET, IRON_MASTER_KEYS and IRON_AUDIT_KEY as before: they are not in the database.\n',
  )
  return copied
}

/** Says what is wrong with a source, which is therefore left where it is. */
export function refuseUnsound(what: string, findings: Findings): void {
  process.stderr.write(`${what} is not sound, and nothing was copied:\n${findingsText(findings)}`)
  process.exitCode = EXIT_CODES.findings
}

function headsOf({ audit, ledger }: Findings): KeptHeads {
  return { audit: audit.head ?? undefined, ledger: ledger.heads }
}

import { openDatabase, tableCounts } from '@iron/database'
import { loadConfig } from '../config.ts'
import { refuseUnsound, transfer } from './backup/transfer.ts'
import { auditLogOf } from './examined-database.ts'
import { examine } from './verify/examine.ts'

/** How `iron copy` is called. */
export interface CopyCommandOptions {
  readonly from: string
  readonly to: string
  readonly json?: boolean | undefined
}

/**
 * `iron copy`: an installation that was found sound, as it is at one moment, into an empty database. Every row is compared on its
 * arrival, and the copy is examined against the heads that the source was found with.
 */
export async function copy({ from, to, json }: CopyCommandOptions): Promise<void> {
  const config = loadConfig()
  await using source = await openDatabase(from, { migrations: 'verify' })
  const findings = await examine(source, auditLogOf(source, config), { audit: undefined, ledger: [] })
  if (!findings.ok) {
    refuseUnsound('the source', findings)
    return
  }
  const copied = await transfer({ source, findings, to, config, json })
  const now = await tableCounts(source)
  const grown = Object.keys(now).filter((table) => now[table] !== copied.tables[table])
  if (grown.length === 0) return
  process.stderr.write(
    `The source was written to meanwhile (${grown.join(', ')}), and the copy lacks that. To move the installation, stop its servers and copy into an empty database again.\n`,
  )
}

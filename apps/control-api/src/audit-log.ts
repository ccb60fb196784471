import type { IronDatabase } from '@iron/database'
import { AuditLog, JournalError } from '@iron/journal'
import { ConfigError, type ControlApiConfig } from './config.ts'

/** `IRON_AUDIT_KEY` as the chain takes it. */
export function auditKeyOf({ auditKey }: ControlApiConfig): Uint8Array | undefined {
  return auditKey === undefined ? undefined : Buffer.from(auditKey)
}

/**
 * The audit log that is about to be extended: never with another key than it was begun with, which would break its chain for
 * ever. The database is closed when this fails.
 *
 * @throws {ConfigError} naming IRON_AUDIT_KEY
 */
export async function openAuditLog(database: IronDatabase, config: ControlApiConfig): Promise<AuditLog> {
  const audit = new AuditLog(database, { hmacKey: auditKeyOf(config) })
  try {
    await audit.confirmKey()
  } catch (error) {
    await database.close()
    if (!(error instanceof JournalError) || error.code !== 'AUDIT_KEY_MISMATCH') throw error
    const begunWithout = error.details['begunWith'] === 'no key'
    throw new ConfigError([
      begunWithout
        ? 'IRON_AUDIT_KEY must not be set: the audit log of this database was begun without a key'
        : 'IRON_AUDIT_KEY is not the key with which the audit log of this database was begun',
    ])
  }
  return audit
}

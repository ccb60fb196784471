import { type IronDatabase, openDatabase } from '@iron/database'
import { AuditLog } from '@iron/journal'
import { auditKeyOf } from '../audit-log.ts'
import type { ControlApiConfig } from '../config.ts'

/**
 * Opens the configured database as it is: nothing is created, migrated or refused, and no secret is needed. For commands that
 * look at a database which may be damaged, beside a running server or without one.
 *
 * @throws {DatabaseError} DATABASE_UNAVAILABLE when there is none
 */
export function openAsItIs(config: ControlApiConfig): Promise<IronDatabase> {
  return openDatabase(config.databaseUrl, { migrations: 'unchecked' })
}

/** The audit log of a database, with the configured key of its chain. */
export function auditLogOf(database: IronDatabase, config: ControlApiConfig): AuditLog {
  return new AuditLog(database, { hmacKey: auditKeyOf(config) })
}

import type { IronDatabase } from '@iron/database'
import type { TestDb } from '@iron/database/testing'
import { type ApiTokenPrincipal, TokenManager, type TokenManagerOptions } from '../src/index.ts'

export const OWNER = 'user-001'
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** Without a memory, so that every authentication reads; unknown owners are made. */
export function tokensOn(db: IronDatabase, options: TokenManagerOptions = {}): TokenManager {
  return new TokenManager(db, { provisionOwners: true, cacheMs: 0, ...options })
}

/** How a secret is answered: `ok` or the code of the refusal. */
export async function verdict(tokens: TokenManager, secret: string, ip?: string): Promise<string> {
  const answer = await tokens.authenticate(secret, { ip })
  return answer.outcome === 'ok' ? 'ok' : answer.code
}

export async function principalFor(tokens: TokenManager, secret: string): Promise<ApiTokenPrincipal> {
  const answer = await tokens.authenticate(secret)
  if (answer.outcome !== 'ok') throw new Error(answer.code)
  return answer.principal
}

/** What was audited about tokens, oldest first, with what was told. */
export async function auditedTokens(
  test: TestDb,
): Promise<{ operation: string; about: string; changes: unknown; metadata: unknown; reason: string | null }[]> {
  const rows = await test.rows<Record<string, string | null>>(
    `SELECT operation, resource_type, resource_id, changes, metadata, reason FROM audit_log
     WHERE operation LIKE 'API_TOKEN%' ORDER BY seq`,
  )
  return rows.map((row) => ({
    operation: row['operation'] ?? '',
    about: `${row['resource_type']} ${row['resource_id']}`,
    changes: JSON.parse(row['changes'] ?? 'null'),
    metadata: JSON.parse(row['metadata'] ?? 'null'),
    reason: row['reason'] ?? null,
  }))
}

/** Makes every audit entry fail in the database, or work again. */
export async function breakAudit(test: TestDb, isBroken: boolean): Promise<void> {
  const [from, to] = isBroken ? ['audit_log', 'audit_log_gone'] : ['audit_log_gone', 'audit_log']
  await test.rows(`ALTER TABLE ${from} RENAME TO ${to}`)
}

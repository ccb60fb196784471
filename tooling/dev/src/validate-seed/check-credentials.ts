/** Whether what the seed documents for logging in really lets in, or is refused as documented (seed-and-dev-workflow 1.2). */
import type { Secrets } from '@iron/control-api/development'
import type { IronDatabase, ServiceOptions, Violation } from '@iron/database'
import { SecretVault } from '@iron/ip-token-crypto'
import { ProviderCatalog, ProviderKeyStorage, SessionService, TokenManager } from '@iron/token-manager'
import { SEED_PASSWORD, SEED_PROVIDERS, SEED_TOKENS, SEED_USERS, type SeedToken } from '@iron/token-manager/testing'

/** Every development token, through the code that authenticates requests. */
export async function checkTokens(db: IronDatabase, at: ServiceOptions): Promise<Violation[]> {
  const tokens = new TokenManager(db, at)
  const findings: Violation[] = []
  for (const token of SEED_TOKENS) {
    const answer = await tokens.authenticate(token.secret)
    const got = answer.outcome === 'ok' ? `role ${answer.principal.role}` : answer.code
    const expected = expectedAnswer(token)
    if (got === expected) continue
    findings.push({ rule: 'token', where: token.secret, text: `is answered with ${got}, not ${expected}` })
  }
  await tokens.close()
  return findings
}

function expectedAnswer({ ownerId, revokedInMs, expiresInMs }: SeedToken): string {
  if (revokedInMs !== undefined) return 'TOKEN_REVOKED'
  if (expiresInMs !== undefined && expiresInMs <= 0) return 'TOKEN_EXPIRED'
  return `role ${SEED_USERS.find(({ id }) => id === ownerId)?.role ?? 'unknown'}`
}

/** Every password, through the code that logs people in. */
export async function checkPasswords(
  db: IronDatabase,
  secrets: Secrets,
  at: ServiceOptions & { readonly bcryptCost: number },
): Promise<Violation[]> {
  const sessions = new SessionService(db, { keys: [...secrets.jwt], ...at })
  const findings: Violation[] = []
  for (const { email } of SEED_USERS) {
    const { outcome } = await sessions.login(email, SEED_PASSWORD)
    if (outcome !== 'ok')
      findings.push({ rule: 'password', where: email, text: 'the documented password does not verify' })
  }
  return findings
}

/** Every provider key, opened with the master keys of this installation. */
export async function checkProviderKeys(db: IronDatabase, secrets: Secrets, at: ServiceOptions): Promise<Violation[]> {
  const keys = new ProviderKeyStorage(db, new SecretVault([...secrets.masterKeys]), at)
  const { data } = await new ProviderCatalog(db, at).list()
  const findings: Violation[] = []
  for (const { name, apiKey } of SEED_PROVIDERS) {
    const fault = (text: string): void => void findings.push({ rule: 'provider-key', where: name, text })
    const provider = data.find((one) => one.name === name)
    if (provider === undefined) {
      fault('there is no such provider')
      continue
    }
    try {
      const opened = await keys.unseal(provider.id)
      if (opened.apiKey !== apiKey) fault('its key opens and is not the documented one')
    } catch (error) {
      fault(`its key does not open: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return findings
}

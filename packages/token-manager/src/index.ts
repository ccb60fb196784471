export { usd } from '@iron/cost-calculator'
export { RateLimiter } from '@iron/rate-limiter'
export type { Permission, Role } from '@iron/rbac'
export { TokenManagerError, type TokenManagerErrorCode } from './errors.ts'
export { LimitEnforcer, type LimitEnforcerOptions } from './limit-enforcer.ts'
export type { Exceeded, LimitMaxima, LimitNeed, LimitRoom, LimitSubject, UsageLimit } from './limits/limit.ts'
export type { LimitWindow } from './limits/windows.ts'
export { checkPassword, hashPassword, type HashOptions, type PasswordHash } from './passwords/hash-password.ts'
export { passwordQueue, type PasswordQueue } from './passwords/hash-pool.ts'
export { ProviderCatalog } from './provider-catalog.ts'
export { checkBaseUrl } from './providers/base-url.ts'
export { ProviderKeyStorage } from './provider-key-storage.ts'
export type { ProviderKey, ProviderKeyFilter } from './providers/provider-key.ts'
export {
  checkProviderName,
  type NewProvider,
  type Provider,
  type ProviderChange,
  type ProviderFilter,
} from './providers/provider.ts'
export { seed, type Seeded, type SeedOptions } from './seed.ts'
export { SessionService, type SessionServiceOptions } from './session-service.ts'
export { loginKey } from './sessions/login-key.ts'
export type { SessionKey } from './sessions/session-tokens.ts'
export type {
  AuthRefusal,
  ClientContext,
  LoginResult,
  RefreshResult,
  Session,
  SessionAuthentication,
  SessionPrincipal,
  SessionTokens,
} from './sessions/session.ts'
export { TokenManager, type TokenManagerOptions } from './token-manager.ts'
export { isAddressRange } from './tokens/allowed-ips.ts'
export { generateApiToken, hashApiToken } from './tokens/secret.ts'
export type {
  ApiToken,
  ApiTokenPrincipal,
  ApiTokenWithUsage,
  IssuedToken,
  OfOwner,
  TokenAuthentication,
  TokenChange,
  TokenFilter,
  TokenOptions,
} from './tokens/token.ts'
export type { UsageCheck, UsageReceipt } from './tokens/usage.ts'
export { UsageTracker } from './usage-tracker.ts'
export { UserService, type UserServiceOptions } from './user-service.ts'
export { checkEmail, checkUsername } from './users/account-keys.ts'
export type { PasswordChange } from './users/change-own-password.ts'
export type { DeletedUser } from './users/delete-user.ts'
export type { UserFilter } from './users/list-users.ts'
export type { NewUser } from './users/new-user.ts'
export type { UserChange } from './users/user-change.ts'
export type { User } from './users/user.ts'

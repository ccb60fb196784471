export { usd } from '@iron/cost-calculator'
export type { Permission, Role } from '@iron/rbac'
export { TokenManagerError, type TokenManagerErrorCode } from './errors.ts'
export { LimitEnforcer, type LimitEnforcerOptions } from './limit-enforcer.ts'
export type { Exceeded, LimitMaxima, LimitNeed, LimitRoom, LimitSubject, UsageLimit } from './limits/limit.ts'
export type { LimitWindow } from './limits/windows.ts'
export { hashPassword, type HashOptions, type PasswordHash } from './passwords/hash-password.ts'
export { ProviderCatalog } from './provider-catalog.ts'
export { ProviderKeyStorage } from './provider-key-storage.ts'
export type { ProviderKey, ProviderKeyFilter } from './providers/provider-key.ts'
export type { NewProvider, Provider, ProviderChange, ProviderFilter } from './providers/provider.ts'
export { SessionService, type SessionServiceOptions } from './session-service.ts'
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
export { UserService, type UserServiceOptions } from './user-service.ts'
export type { NewUser } from './users/new-user.ts'
export type { User } from './users/user.ts'

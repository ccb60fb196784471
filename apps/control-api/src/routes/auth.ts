import { sessionTokensAnswer, userAnswer } from '../answers/user.ts'
import { isoTime, isoTimeOrNull } from '../answers/scalars.ts'
import { refusal } from '../http/authenticate.ts'
import { ApiError } from '../http/errors.ts'
import { notFound } from '../http/handle.ts'
import { actorOf, permissionsOfPrincipal } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { object, optional, Type } from '../http/schemas.ts'

/** What may be typed into the login form; its length is checked, its characters are not (http-api 4.1). */
const email = Type.String({ minLength: 1, maxLength: 255 })
const password = Type.String({ minLength: 1, maxLength: 1_000 })

export const authRoutes = [
  defineRoute({
    method: 'POST',
    path: '/auth/login',
    auth: 'public',
    rateLimit: 'login',
    audit: ['SESSION_CREATED', 'LOGIN_FAILED', 'ACCOUNT_LOCKED'],
    summary: 'Log in with e-mail and password',
    body: object({ email, password }),
    handler: async ({ services, context, body }) => {
      const result = await services.sessions.login(body.email, body.password, context)
      const now = services.database.clock.now()
      switch (result.outcome) {
        case 'ok':
          return { body: sessionTokensAnswer(result.tokens, result.user, now) }
        case 'invalid_credentials':
          throw new ApiError('UNAUTHORIZED', 'Invalid email or password')
        case 'suspended':
          throw new ApiError('ACCOUNT_SUSPENDED', 'The account is suspended')
        case 'locked': {
          const seconds = Math.max(1, Math.ceil((result.until - now) / 1_000))
          throw new ApiError('ACCOUNT_LOCKED', 'The account is locked', {
            details: { retry_after: seconds, locked_until: isoTime(result.until) },
            headers: { 'Retry-After': String(seconds) },
          })
        }
      }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/auth/refresh',
    auth: 'refresh',
    rateLimit: 'auth',
    audit: ['SESSION_REUSE_DETECTED'],
    summary: 'Exchange a refresh token for new tokens',
    whilePasswordChangePending: true,
    body: object({ refresh_token: optional(Type.String({ minLength: 1, maxLength: 4_096 })) }),
    handler: async ({ services, context, body, bearer }) => {
      const token = body.refresh_token ?? bearer
      if (token === undefined) throw refusal({ outcome: 'refused', code: 'UNAUTHORIZED' })
      if (body.refresh_token !== undefined && bearer !== undefined && body.refresh_token !== bearer) {
        throw new ApiError('AMBIGUOUS_CREDENTIALS', 'The request carries two different credentials')
      }
      const result = await services.sessions.refresh(token, context)
      if (result.outcome !== 'ok') throw refusal(result)
      return { body: sessionTokensAnswer(result.tokens, result.user, services.database.clock.now()) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/auth/verify',
    auth: 'any',
    rateLimit: 'read',
    audit: [],
    summary: 'What the presented credential is and may do',
    whilePasswordChangePending: true,
    handler: async ({ principal }) => {
      const isUser = principal.kind === 'session'
      return {
        body: {
          valid: true,
          kind: principal.kind,
          user_id: isUser ? principal.userId : null,
          role: isUser ? principal.role : null,
          permissions: permissionsOfPrincipal(principal),
          session_id: isUser ? principal.sessionId : null,
          token_id: null,
          agent_id: isUser ? null : principal.agentId,
          budget_id: isUser ? null : principal.budgetId,
          expires_at: isoTimeOrNull(principal.expiresAt),
        },
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/auth/me',
    auth: 'user',
    rateLimit: 'read',
    audit: [],
    summary: 'The signed-in user',
    whilePasswordChangePending: true,
    handler: async ({ services, principal }) => {
      if (principal.kind !== 'session') throw notFound('USER_NOT_FOUND')
      const user = await services.users.getUser(principal.userId)
      if (user === undefined) throw notFound('USER_NOT_FOUND')
      return { body: { ...userAnswer(user), permissions: permissionsOfPrincipal(principal) } }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/auth/logout',
    auth: 'session',
    rateLimit: 'write',
    audit: ['SESSION_ENDED'],
    summary: 'End the session: access and refresh token',
    whilePasswordChangePending: true,
    handler: async ({ services, principal, context }) => {
      if (principal.kind !== 'session') throw notFound('SESSION_NOT_FOUND')
      await services.sessions.end(principal.sessionId, actorOf(principal, context), { userId: principal.userId })
      return { status: 204 }
    },
  }),
]

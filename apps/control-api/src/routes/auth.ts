import { endedShape, sessionAnswer, sessionShape } from '../answers/session.ts'
import {
  credentialShape,
  meShape,
  sessionTokensAnswer,
  sessionTokensShape,
  userAnswer,
  userShape,
} from '../answers/user.ts'
import { isoTime, isoTimeOrNull } from '../answers/scalars.ts'
import { pageOfShape } from '../answers/list.ts'
import { refusal } from '../http/authenticate.ts'
import { ApiError, validationError } from '../http/errors.ts'
import { notFound } from '../http/handle.ts'
import { actorOf, isPerson, permissionsOfPrincipal } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { changes, givenPassword, newPassword, nullable, object, optional, page, secret, text } from '../http/schemas.ts'
import { pagedAnswer, pageOf } from './lists.ts'

/** Characters of a refresh token; ours are a tenth of that. */
const REFRESH_TOKEN_MAX = 4_096
/** What may be typed into the login form: no rule of e-mails is applied to it (http-api 4.1). */
const email = text({ max: 255 })

export const authRoutes = [
  defineRoute({
    method: 'POST',
    path: '/auth/login',
    auth: 'login',
    rateLimit: 'login',
    audit: ['SESSION_CREATED', 'LOGIN_FAILED', 'ACCOUNT_LOCKED'],
    summary: 'Log in with e-mail and password',
    body: object({ email, password: givenPassword() }),
    example: { email: 'ada@example.com', password: 'correct horse battery' },
    answers: { 200: sessionTokensShape },
    errors: ['UNAUTHORIZED', 'ACCOUNT_LOCKED', 'ACCOUNT_SUSPENDED'],
    handler: async ({ services, context, body }) => {
      const result = await services.sessions.login(body.email, body.password, context)
      switch (result.outcome) {
        case 'ok':
          return { body: sessionTokensAnswer(result.tokens, result.user, services.sessions.accessTtlMs) }
        case 'invalid_credentials':
          throw new ApiError('UNAUTHORIZED', 'Invalid email or password')
        case 'suspended':
          throw new ApiError('ACCOUNT_SUSPENDED', 'The account is suspended')
        case 'locked':
          throw accountLocked(result.until, services.database.clock.now())
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
    body: object({ refresh_token: optional(secret(text({ max: REFRESH_TOKEN_MAX, verbatim: true }))) }),
    example: { refresh_token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyXy4uLiJ9.c2lnbmF0dXJl' },
    answers: { 200: sessionTokensShape },
    errors: ['UNAUTHORIZED', 'TOKEN_EXPIRED', 'TOKEN_REVOKED', 'ACCOUNT_SUSPENDED'],
    handler: async ({ services, context, body, bearer }) => {
      const token = body.refresh_token ?? bearer
      if (token === undefined) throw refusal({ outcome: 'refused', code: 'UNAUTHORIZED' })
      if (body.refresh_token !== undefined && bearer !== undefined && body.refresh_token !== bearer) {
        throw new ApiError('AMBIGUOUS_CREDENTIALS', 'The request carries two different credentials')
      }
      const result = await services.sessions.refresh(token, context)
      if (result.outcome !== 'ok') throw refusal(result)
      return { body: sessionTokensAnswer(result.tokens, result.user, services.sessions.accessTtlMs) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/auth/verify',
    auth: 'any',
    rateLimit: 'read',
    audit: [],
    summary: 'Describe the presented credential and its permissions',
    whilePasswordChangePending: true,
    answers: { 200: credentialShape },
    handler: async ({ principal }) => ({
      body: {
        valid: true,
        kind: principal.kind,
        user_id: isPerson(principal) ? principal.userId : null,
        role: isPerson(principal) ? principal.role : null,
        permissions: permissionsOfPrincipal(principal),
        session_id: principal.kind === 'session' ? principal.sessionId : null,
        token_id: principal.kind === 'api_token' ? principal.tokenId : null,
        agent_id: isPerson(principal) ? null : principal.agentId,
        budget_id: isPerson(principal) ? null : principal.budgetId,
        expires_at: isoTimeOrNull(principal.expiresAt),
      },
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/auth/me',
    auth: 'user',
    rateLimit: 'read',
    audit: [],
    summary: 'Get the signed-in user',
    whilePasswordChangePending: true,
    answers: { 200: meShape },
    errors: ['USER_NOT_FOUND'],
    handler: async ({ services, principal }) => {
      const user = await services.users.getUser(principal.userId)
      if (user === undefined) throw notFound('USER_NOT_FOUND')
      return { body: { ...userAnswer(user), permissions: permissionsOfPrincipal(principal) } }
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: '/auth/me',
    auth: 'session',
    rateLimit: 'write',
    audit: ['PROFILE_UPDATED'],
    summary: 'Change your own display name',
    body: changes({ name: optional(nullable(text({ max: 255 }))) }),
    example: { name: 'Ada Lovelace' },
    answers: { 200: userShape },
    errors: ['USER_NOT_FOUND'],
    handler: async ({ services, principal, context, body }) => {
      const user = await services.users.updateUser(principal.userId, { name: body.name }, actorOf(principal, context))
      return { body: userAnswer(user) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/auth/password',
    auth: 'session',
    rateLimit: 'secret',
    audit: ['PASSWORD_CHANGED', 'LOGIN_FAILED', 'ACCOUNT_LOCKED'],
    summary: 'Change your own password and end all other sessions',
    whilePasswordChangePending: true,
    body: object({ current_password: givenPassword(), new_password: newPassword() }),
    example: { current_password: 'correct horse battery', new_password: 'a better horse battery' },
    answers: { 204: null },
    errors: ['ACCOUNT_LOCKED', 'USER_NOT_FOUND'],
    handler: async ({ services, principal, context, body }) => {
      const options = { keepSessionId: principal.sessionId, context }
      const { current_password: current, new_password: next } = body
      const outcome = await services.users.changeOwnPassword(principal.userId, current, next, options)
      switch (outcome) {
        case 'changed':
          return { status: 204 }
        case 'wrong_password':
          throw validationError({ current_password: 'is not the current password' })
        case 'unchanged':
          throw validationError({ new_password: 'must differ from the current password' })
        case 'locked': {
          const now = services.database.clock.now()
          throw accountLocked((await services.users.lockedUntil(principal.userId)) ?? now, now)
        }
      }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/auth/logout',
    auth: 'session',
    rateLimit: 'write',
    audit: ['SESSION_ENDED'],
    summary: 'End this session, with its access and refresh token',
    whilePasswordChangePending: true,
    answers: { 204: null },
    errors: ['SESSION_NOT_FOUND'],
    handler: async ({ services, principal, context }) => {
      await services.sessions.end(principal.sessionId, actorOf(principal, context), { userId: principal.userId })
      return { status: 204 }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/auth/sessions',
    auth: 'session',
    rateLimit: 'read',
    audit: [],
    summary: 'List your own sessions, newest first',
    query: object({ ...page }),
    answers: { 200: pageOfShape(sessionShape) },
    handler: async ({ services, principal, query }) => {
      const sessions = await services.sessions.list({ userId: principal.userId }, pageOf(query))
      return { body: pagedAnswer(sessions, (session) => sessionAnswer(session, principal.sessionId)) }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/auth/sessions/{id}',
    auth: 'session',
    rateLimit: 'write',
    audit: ['SESSION_ENDED'],
    params: { id: { prefix: 'sess', notFound: 'SESSION_NOT_FOUND' } },
    summary: 'End one of your own sessions',
    answers: { 204: null },
    handler: async ({ services, principal, context, params }) => {
      await services.sessions.end(params['id'] ?? '', actorOf(principal, context), { userId: principal.userId })
      return { status: 204 }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/auth/sessions',
    auth: 'session',
    rateLimit: 'write',
    audit: ['SESSION_ENDED'],
    summary: 'End all your sessions except this one',
    answers: { 200: endedShape },
    errors: ['USER_NOT_FOUND'],
    handler: async ({ services, principal, context }) => {
      const options = { exceptSessionId: principal.sessionId }
      return { body: { ended: await services.sessions.endAll(principal.userId, actorOf(principal, context), options) } }
    },
  }),
]

/** Too many failed logins: when it is worth trying again. */
function accountLocked(until: number, now: number): ApiError {
  const seconds = Math.max(1, Math.ceil((until - now) / 1_000))
  return new ApiError('ACCOUNT_LOCKED', 'The account is locked', {
    details: { retry_after: seconds, locked_until: isoTime(until) },
    headers: { 'Retry-After': String(seconds) },
  })
}

import { auditEntryAnswer, auditEntryShape } from '../answers/audit.ts'
import { endedShape, sessionAnswer, sessionShape } from '../answers/session.ts'
import { deletedUserShape, userAnswer, userShape } from '../answers/user.ts'
import { logOfShape, pageOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import {
  boolean,
  changes,
  cursor,
  newPassword,
  nullable,
  object,
  oneOf,
  optional,
  page,
  ruled,
  sort,
  text,
} from '../http/schemas.ts'
import { operation, timeRange, timesOf } from './audit-filter.ts'
import { cursorOf, logAnswer, pagedAnswer, pageOf } from './lists.ts'

const userParam = { id: { prefix: 'user', notFound: 'USER_NOT_FOUND' } } as const
const username = ruled('username')
const email = ruled('email')
const role = oneOf('admin', 'user', 'viewer')

const manage = { auth: 'user', permission: 'users:manage' } as const

export const userRoutes = [
  defineRoute({
    ...manage,
    method: 'POST',
    path: '/users',
    rateLimit: 'secret',
    audit: ['USER_CREATED'],
    idempotency: 'stored',
    summary: 'Create a user',
    body: object({
      username,
      email,
      password: newPassword(),
      role: optional(role),
      name: optional(text({ max: 255 })),
      force_password_change: optional(boolean()),
    }),
    example: { username: 'ada', email: 'ada@example.com', password: 'correct horse battery', role: 'user' },
    answers: { 201: userShape },
    errors: ['DUPLICATE_USERNAME', 'DUPLICATE_EMAIL'],
    prepare: ({ services, body }) => services.users.hashPassword(body.password),
    handler: async ({ services, body, principal, context, prepared, tx }) => {
      const { force_password_change: forcePasswordChange, ...rest } = body
      const user = await services.users.createUser(
        { ...rest, password: prepared, forcePasswordChange },
        actorOf(principal, context),
        { tx },
      )
      return { status: 201, body: userAnswer(user), headers: { Location: `/api/v1/users/${user.id}` } }
    },
  }),
  defineRoute({
    ...manage,
    method: 'GET',
    path: '/users',
    rateLimit: 'read',
    audit: [],
    summary: 'List users',
    query: object({
      ...page,
      ...sort('created_at', 'username', 'email', 'last_login_at'),
      role: optional(role),
      status: optional(oneOf('active', 'suspended', 'deleted')),
      search: optional(text({ min: 0, max: 255 })),
    }),
    answers: { 200: pageOfShape(userShape) },
    handler: async ({ services, query }) => {
      const { role: ofRole, status, search, ...rest } = query
      const users = await services.users.listUsers({ role: ofRole, status, search }, pageOf(rest))
      return { body: pagedAnswer(users, userAnswer) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'GET',
    path: '/users/{id}',
    rateLimit: 'read',
    audit: [],
    params: userParam,
    summary: 'Get a user, including deleted ones',
    answers: { 200: userShape },
    handler: async ({ services, params }) => {
      const user = await services.users.getUser(params['id'] ?? '')
      if (user === undefined) throw notFound('USER_NOT_FOUND')
      return { body: userAnswer(user) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'PATCH',
    path: '/users/{id}',
    rateLimit: 'write',
    audit: ['USER_UPDATED'],
    params: userParam,
    summary: "Change a user's names and e-mail",
    body: changes({
      username: optional(username),
      email: optional(email),
      name: optional(nullable(text({ max: 255 }))),
    }),
    example: { name: 'Ada Lovelace' },
    answers: { 200: userShape },
    errors: ['DUPLICATE_USERNAME', 'DUPLICATE_EMAIL'],
    handler: async ({ services, params, body, principal, context }) => ({
      body: userAnswer(await services.users.updateUser(params['id'] ?? '', body, actorOf(principal, context))),
    }),
  }),
  defineRoute({
    ...manage,
    method: 'PUT',
    path: '/users/{id}/suspend',
    rateLimit: 'write',
    audit: ['USER_SUSPENDED'],
    params: userParam,
    summary: 'Suspend a user: ends their sessions, refuses their tokens and grants',
    body: object({ reason: optional(text({ max: 1_000, multiline: true })) }),
    example: { reason: 'On leave' },
    answers: { 200: userShape },
    errors: ['SELF_MODIFICATION_FORBIDDEN', 'USER_ALREADY_SUSPENDED', 'LAST_ADMIN'],
    handler: async ({ services, params, body, principal, context }) => ({
      body: userAnswer(await services.owners.suspendUser(params['id'] ?? '', actorOf(principal, context), body.reason)),
    }),
  }),
  defineRoute({
    ...manage,
    method: 'PUT',
    path: '/users/{id}/activate',
    rateLimit: 'write',
    audit: ['USER_ACTIVATED'],
    params: userParam,
    summary: 'End a suspension',
    answers: { 200: userShape },
    errors: ['USER_ALREADY_ACTIVE'],
    handler: async ({ services, params, principal, context }) => ({
      body: userAnswer(await services.users.activateUser(params['id'] ?? '', actorOf(principal, context))),
    }),
  }),
  defineRoute({
    ...manage,
    method: 'PUT',
    path: '/users/{id}/unlock',
    rateLimit: 'write',
    audit: ['USER_UNLOCKED'],
    params: userParam,
    summary: 'Lift the lock after too many failed logins',
    answers: { 200: userShape },
    handler: async ({ services, params, principal, context }) => ({
      body: userAnswer(await services.users.unlockUser(params['id'] ?? '', actorOf(principal, context))),
    }),
  }),
  defineRoute({
    ...manage,
    method: 'PUT',
    path: '/users/{id}/role',
    rateLimit: 'write',
    audit: ['USER_ROLE_CHANGED'],
    params: userParam,
    summary: "Change a user's role",
    body: object({ role }),
    example: { role: 'viewer' },
    answers: { 200: userShape },
    errors: ['SELF_MODIFICATION_FORBIDDEN', 'LAST_ADMIN'],
    handler: async ({ services, params, body, principal, context }) => ({
      body: userAnswer(await services.users.changeUserRole(params['id'] ?? '', body.role, actorOf(principal, context))),
    }),
  }),
  defineRoute({
    ...manage,
    method: 'POST',
    path: '/users/{id}/reset-password',
    auth: 'session',
    rateLimit: 'secret',
    audit: ['USER_PASSWORD_RESET'],
    params: userParam,
    summary: 'Set a new password for a user and end their sessions',
    body: object({
      new_password: newPassword(),
      force_change: optional(boolean()),
      revoke_api_tokens: optional(boolean()),
    }),
    example: { new_password: 'correct horse battery', force_change: true },
    answers: { 200: userShape },
    prepare: ({ services, body }) => services.users.hashPassword(body.new_password),
    handler: async ({ services, params, body, principal, context, prepared }) => {
      const options = { forceChange: body.force_change, revokeApiTokens: body.revoke_api_tokens }
      const actor = actorOf(principal, context)
      return { body: userAnswer(await services.users.resetPassword(params['id'] ?? '', prepared, actor, options)) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'DELETE',
    path: '/users/{id}',
    rateLimit: 'write',
    audit: ['USER_DELETED'],
    params: userParam,
    summary: 'Delete a user permanently; their agents go to the acting admin',
    answers: { 200: deletedUserShape },
    errors: ['SELF_MODIFICATION_FORBIDDEN', 'LAST_ADMIN'],
    handler: async ({ services, params, principal, context }) => {
      const deleted = await services.owners.deleteUser(params['id'] ?? '', actorOf(principal, context))
      const { user, agentsAffected, budgetRequestsCancelled, apiTokensRevoked, sessionsEnded } = deleted
      return {
        body: {
          ...userAnswer(user),
          agents_affected: agentsAffected.map(({ agentId, name, newOwnerId }) => ({
            agent_id: agentId,
            name,
            new_owner_id: newOwnerId,
          })),
          agents_count: agentsAffected.length,
          budget_requests_cancelled: budgetRequestsCancelled.length,
          api_tokens_revoked: apiTokensRevoked.length,
          sessions_ended: sessionsEnded,
        },
      }
    },
  }),
  defineRoute({
    ...manage,
    method: 'GET',
    path: '/users/{id}/sessions',
    rateLimit: 'read',
    audit: [],
    params: userParam,
    summary: "A user's sessions",
    query: object({ ...page }),
    answers: { 200: pageOfShape(sessionShape) },
    handler: async ({ services, params, query, principal }) => {
      const userId = params['id'] ?? ''
      if ((await services.users.getUser(userId)) === undefined) throw notFound('USER_NOT_FOUND')
      const current = principal.kind === 'session' ? principal.sessionId : undefined
      const sessions = await services.sessions.list({ userId }, pageOf(query))
      return { body: pagedAnswer(sessions, (session) => sessionAnswer(session, current)) }
    },
  }),
  defineRoute({
    ...manage,
    method: 'DELETE',
    path: '/users/{id}/sessions',
    rateLimit: 'write',
    audit: ['SESSION_ENDED'],
    params: userParam,
    summary: "End all of a user's sessions",
    answers: { 200: endedShape },
    handler: async ({ services, params, principal, context }) => ({
      body: { ended: await services.sessions.endAll(params['id'] ?? '', actorOf(principal, context)) },
    }),
  }),
  defineRoute({
    ...manage,
    method: 'GET',
    path: '/users/{id}/audit',
    rateLimit: 'read',
    audit: [],
    params: userParam,
    summary: 'List what was done to a user, or by them',
    query: object({ ...cursor, ...timeRange, operation: optional(operation), as: optional(oneOf('target', 'actor')) }),
    answers: { 200: logOfShape(auditEntryShape) },
    handler: async ({ services, params, query }) => {
      const userId = params['id'] ?? ''
      if ((await services.users.getUser(userId)) === undefined) throw notFound('USER_NOT_FOUND')
      const whom = query.as === 'actor' ? { userId } : { resourceType: 'user', resourceId: userId }
      const filter = { ...whom, ...timesOf(query), operation: query.operation }
      return { body: logAnswer(await services.audit.list(filter, cursorOf(query)), auditEntryAnswer) }
    },
  }),
]

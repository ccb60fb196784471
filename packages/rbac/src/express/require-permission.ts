/**
 * The guard of an Express route. It answers refusals itself and passes everything else on: who may not at all is told so
 * before anything is looked up, and what belongs to somebody else looks exactly like what does not exist.
 */
import type { Request, RequestHandler, Response } from 'express'
import { decide, type Resource, type Subject } from '../decide.ts'
import { RbacError } from '../errors.ts'
import { isPermission, type Permission } from '../permissions.ts'
import { defaultPolicy, type Policy } from '../policy.ts'

/** Where the guard finds what it decides on. */
export interface RequirePermissionOptions {
  /** Who asks; `undefined`: nobody has been authenticated. */
  readonly subject: (request: Request) => Subject | undefined
  /**
   * What is asked about; `undefined`: there is no such thing. Absent option: the permission is asked for the collection, and
   * the handler filters rows by `scopeOf`. Asked only of subjects that hold the permission.
   */
  readonly resource?: ((request: Request) => Promise<Resource | undefined> | Resource | undefined) | undefined
  /** Default: the table of the control plane, {@link defaultPolicy}. */
  readonly policy?: Policy | undefined
}

/** What may be answered, once and for all: two answers of one kind are the same bytes. */
const ANSWERS = {
  unauthorized: { status: 401, body: { error: 'Authentication required', code: 'UNAUTHORIZED' } },
  forbidden: { status: 403, body: { error: 'Not allowed', code: 'FORBIDDEN' } },
  notFound: { status: 404, body: { error: 'Not found', code: 'NOT_FOUND' } },
} as const

/**
 * Lets a request pass when its subject holds the permission, on the resource if one is named.
 *
 * Refusals: no subject 401 `UNAUTHORIZED`; permission missing or outside the scopes 403 `FORBIDDEN`; somebody else's resource
 * and no resource the same 404 `NOT_FOUND`. What `subject` or `resource` throw goes to Express's error handling.
 *
 * @throws {RbacError} INVALID_POLICY for a permission that does not exist: a misspelt one would refuse everybody
 *
 * @example
 * app.get('/agents/:id', requirePermission('agents:read', { subject, resource: (request) => findAgent(request.params.id) }), show)
 */
export function requirePermission(permission: Permission, options: RequirePermissionOptions): RequestHandler {
  if (!isPermission(permission))
    throw new RbacError('INVALID_POLICY', { fields: { permission: 'is not a permission' } })
  return async (request, response, next) => {
    const refusal = await refusalOf(request, permission, options)
    if (refusal === undefined) next()
    else refuse(response, refusal)
  }
}

async function refusalOf(
  request: Request,
  permission: Permission,
  { subject: subjectOf, resource: resourceOf, policy = defaultPolicy }: RequirePermissionOptions,
): Promise<keyof typeof ANSWERS | undefined> {
  const subject = subjectOf(request)
  if (subject === undefined) return 'unauthorized'
  if (!decide(subject, permission, undefined, policy).allowed) return 'forbidden'
  if (resourceOf === undefined) return undefined
  const resource = await resourceOf(request)
  return resource !== undefined && decide(subject, permission, resource, policy).allowed ? undefined : 'notFound'
}

function refuse(response: Response, kind: keyof typeof ANSWERS): void {
  const { status, body } = ANSWERS[kind]
  if (status === 401) response.set('WWW-Authenticate', 'Bearer')
  response.status(status).json(body)
}

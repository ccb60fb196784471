import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  authorize,
  can,
  decide,
  definePolicy,
  PERMISSIONS,
  permissionsOf,
  RbacError,
  ROLES,
  scopeOf,
  type Decision,
  type Permission,
  type Policy,
  type Role,
  type Scope,
  type Subject,
} from '../src/index.ts'

/** The table of http-api 3.1, written again by hand: columns viewer, user, admin. */
const table: Record<Permission, readonly ['own' | 'any' | '-', 'own' | 'any' | '-', 'any']> = {
  'agents:read': ['own', 'own', 'any'],
  'agents:write': ['-', 'own', 'any'],
  'agents:stop': ['-', 'own', 'any'],
  'metrics:read': ['own', 'own', 'any'],
  'tokens:write': ['-', 'own', 'any'],
  'users:manage': ['-', '-', 'any'],
  'providers:read': ['any', 'any', 'any'],
  'providers:manage': ['-', '-', 'any'],
  'budgets:request': ['-', 'own', 'any'],
  'budgets:allocate': ['-', '-', 'any'],
  'limits:read': ['own', 'own', 'any'],
  'limits:manage': ['-', '-', 'any'],
  'audit:read': ['-', '-', 'any'],
  'events:read': ['own', 'own', 'any'],
}
const columns: Record<Role, 0 | 1 | 2> = { viewer: 0, user: 1, admin: 2 }
const resources = {
  'own row': { ownerId: 'user-001' },
  'foreign row': { ownerId: 'user-002' },
  "nobody's row": { ownerId: null },
  collection: undefined,
}

function expected(role: Role, permission: Permission, resource: keyof typeof resources): Decision {
  const scope = table[permission][columns[role]]
  if (scope === '-') return { allowed: false, reason: 'no_permission' }
  if (scope === 'own' && (resource === 'foreign row' || resource === "nobody's row")) {
    return { allowed: false, reason: 'not_owner' }
  }
  return { allowed: true, scope }
}

const matrix = ROLES.flatMap((role) =>
  PERMISSIONS.flatMap((permission) =>
    (Object.keys(resources) as (keyof typeof resources)[]).map((resource) => ({ role, permission, resource })),
  ),
)

function thrownBy(work: () => void): RbacError | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof RbacError) return error
    throw error
  }
  return undefined
}

describe('ACL-01 the matrix of roles, permissions and ownership', () => {
  test('is complete', () => {
    expect(matrix).toHaveLength(3 * 14 * 4)
    expect(Object.keys(table)).toEqual(PERMISSIONS)
  })

  test.each(matrix)('$role $permission on $resource', ({ role, permission, resource }) => {
    const subject: Subject = { id: 'user-001', role }
    const answer = expected(role, permission, resource)
    expect(decide(subject, permission, resources[resource])).toEqual(answer)
    expect(can(subject, permission, resources[resource])).toBe(answer.allowed)
    const error = thrownBy(() => authorize(subject, permission, resources[resource]))
    expect(error?.code).toBe(answer.allowed ? undefined : answer.reason === 'not_owner' ? 'NOT_OWNER' : 'FORBIDDEN')
    const scope = table[permission][columns[role]]
    expect(scopeOf(subject, permission)).toBe(scope === '-' ? undefined : scope)
  })

  test.each(ROLES)('permissionsOf %s lists exactly its column', (role) => {
    const granted = PERMISSIONS.filter((permission) => table[permission][columns[role]] !== '-')
    expect(permissionsOf({ id: 'user-001', role })).toEqual(granted)
  })
})

describe('ACL-02 outside the types', () => {
  const own = { ownerId: 'user-001' }
  const strange: [string, unknown][] = [
    ['upper-case role', { id: 'user-001', role: 'Admin' }],
    ['unknown role', { id: 'user-001', role: 'root' }],
    ['inherited name as role', { id: 'user-001', role: 'constructor' }],
    ['list as role', { id: 'user-001', role: ['admin'] }],
    ['no role', { id: 'user-001' }],
    ['null', null],
    ['undefined', undefined],
    ['text', 'admin'],
  ]
  test.each(strange)('%s is denied everything and nothing throws', (_name, subject) => {
    for (const permission of PERMISSIONS) {
      expect(decide(subject as Subject, permission, own)).toEqual({ allowed: false, reason: 'no_permission' })
      expect(scopeOf(subject as Subject, permission)).toBeUndefined()
    }
    expect(permissionsOf(subject as Subject)).toEqual([])
  })

  test.each(['agents:fly', 'agents', '*', '', '__proto__', 'constructor', null, undefined, 1])(
    'permission %p is denied to the administrator',
    (permission) => {
      expect(decide({ id: 'a', role: 'admin' }, permission as Permission)).toEqual({
        allowed: false,
        reason: 'no_permission',
      })
    },
  )

  test("a caller's own policy is not believed beyond the types", () => {
    const generous: Policy = { grants: () => new Map<Permission, Scope>([['agents:read', 'all' as Scope]]) }
    expect(can({ id: 'a', role: 'admin' }, 'agents:read', undefined, generous)).toBe(false)
    const fallback: Policy = { grants: () => new Map<Permission, Scope>([['agents:read', 'any']]) }
    expect(can({ id: 'a', role: 'nobody' as Role }, 'agents:read', undefined, fallback)).toBe(false)
  })

  test('can never throws and never says yes to what is no role or no permission', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (subject, permission, resource) => {
        expect(can(subject as Subject, permission as Permission, resource as undefined)).toBe(false)
      }),
    )
  })
})

describe('ownership', () => {
  const user: Subject = { id: 'user-001', role: 'user' }
  test.each([
    ['empty owner and empty id', { ...user, id: '' }, { ownerId: '' }],
    ['missing owner and missing id', { role: 'user' }, {}],
    ['null as resource', user, null],
    ['other case', user, { ownerId: 'USER-001' }],
    ['a longer id', user, { ownerId: 'user-0011' }],
  ])('%s is not ownership', (_name, subject, resource) => {
    const answer = decide(subject as Subject, 'agents:write', resource as { ownerId: string })
    expect(answer).toEqual({ allowed: false, reason: 'not_owner' })
  })

  test("the administrator reaches nobody's rows", () => {
    expect(can({ id: 'a', role: 'admin' }, 'agents:write', { ownerId: null })).toBe(true)
  })
})

describe('ACL-11 scopes narrow and never widen', () => {
  test.each([
    ['absent', undefined],
    ['null', null],
  ])('%s: not narrowed', (_name, scopes) => {
    expect(permissionsOf({ id: 'u', role: 'user', scopes })).toEqual(permissionsOf({ id: 'u', role: 'user' }))
  })

  test('an empty list allows nothing', () => {
    expect(permissionsOf({ id: 'u', role: 'admin', scopes: [] })).toEqual([])
  })

  test('a listed permission that the role lacks stays denied, with the role as the reason', () => {
    const viewer: Subject = { id: 'u', role: 'viewer', scopes: ['users:manage', 'agents:read'] }
    expect(decide(viewer, 'users:manage')).toEqual({ allowed: false, reason: 'no_permission' })
    expect(permissionsOf(viewer)).toEqual(['agents:read'])
  })

  test('a held permission that is not listed is outside the scopes, before ownership is asked', () => {
    const token: Subject = { id: 'u', role: 'user', scopes: ['agents:read'] }
    expect(decide(token, 'agents:write', { ownerId: 'other' })).toEqual({ allowed: false, reason: 'outside_scopes' })
    expect(thrownBy(() => authorize(token, 'agents:write'))?.code).toBe('FORBIDDEN')
  })

  test("the owner's role of now decides: a demoted owner's token loses what the role lost", () => {
    const scopes: Permission[] = ['users:manage', 'agents:read']
    expect(can({ id: 'u', role: 'admin', scopes }, 'users:manage')).toBe(true)
    expect(can({ id: 'u', role: 'user', scopes }, 'users:manage')).toBe(false)
  })

  test.each([
    ['text', 'agents:read'],
    ['text that contains it', 'x agents:read x'],
    ['an object', { 'agents:read': true }],
  ])('%s instead of a list allows nothing', (_name, scopes) => {
    expect(permissionsOf({ id: 'u', role: 'admin', scopes: scopes as unknown as Permission[] })).toEqual([])
  })

  test('for every role and list: what is allowed is exactly what role and list both allow', () => {
    const listed = fc.array(fc.oneof(fc.constantFrom(...PERMISSIONS), fc.string() as fc.Arbitrary<Permission>))
    fc.assert(
      fc.property(fc.constantFrom(...ROLES), listed, (role, scopes) => {
        const whole = permissionsOf({ id: 'u', role })
        const narrowed = permissionsOf({ id: 'u', role, scopes })
        expect(narrowed).toEqual(whole.filter((permission) => scopes.includes(permission)))
        for (const permission of narrowed) {
          expect(scopeOf({ id: 'u', role, scopes }, permission)).toBe(scopeOf({ id: 'u', role }, permission))
        }
      }),
    )
  })
})

describe('what comes out', () => {
  test('ACL-20 a refusal never names a role', () => {
    const error = thrownBy(() => authorize({ id: 'u', role: 'viewer' }, 'users:manage'))
    expect(error?.details).toEqual({ permission: 'users:manage' })
    expect(`${error?.message} ${JSON.stringify(error)}`).not.toMatch(/admin|viewer|role/)
  })

  test('answers are frozen', () => {
    const subject: Subject = { id: 'u', role: 'user' }
    expect(Object.isFrozen(decide(subject, 'agents:read'))).toBe(true)
    expect(Object.isFrozen(decide(subject, 'users:manage'))).toBe(true)
    expect(Object.isFrozen(permissionsOf(subject))).toBe(true)
  })

  test('another policy decides when given', () => {
    const policy = definePolicy({ viewer: { 'audit:read': 'own' } })
    const viewer: Subject = { id: 'v', role: 'viewer' }
    expect(decide(viewer, 'audit:read', { ownerId: 'v' }, policy)).toEqual({ allowed: true, scope: 'own' })
    expect(can(viewer, 'agents:read', undefined, policy)).toBe(false)
    expect(permissionsOf(viewer, policy)).toEqual(['audit:read'])
    expect(thrownBy(() => authorize(viewer, 'audit:read', { ownerId: 'w' }, policy))?.code).toBe('NOT_OWNER')
  })
})

import { describe, expect, test } from '@jest/globals'
import { can, defaultPolicy, definePolicy, PERMISSIONS, RbacError, ROLES, type PolicyTable } from '../src/index.ts'

function refusal(table: unknown): RbacError {
  try {
    definePolicy(table as PolicyTable)
  } catch (error) {
    if (error instanceof RbacError) return error
    throw error
  }
  throw new Error('the policy was accepted')
}

describe('definePolicy', () => {
  test('denies what the table leaves out', () => {
    const policy = definePolicy({ user: { 'agents:read': 'any', 'agents:write': undefined }, viewer: undefined })
    expect([...policy.grants('user')]).toEqual([['agents:read', 'any']])
    expect(policy.grants('viewer').size).toBe(0)
    expect(policy.grants('admin').size).toBe(0)
    expect(can({ id: 'a', role: 'admin' }, 'agents:read', undefined, policy)).toBe(false)
  })

  test('VAL-02 names every fault at once', () => {
    const error = refusal({
      root: { 'agents:read': 'any' },
      user: { 'agents:fly': 'own', 'agents:read': 'all', 'agents:stop': null },
      viewer: 'everything',
    })
    expect(error.code).toBe('INVALID_POLICY')
    expect(error.retryable).toBe(false)
    expect(error.details.fields).toEqual({
      root: 'is not a role',
      'user.agents:fly': 'is not a permission',
      'user.agents:read': "must be 'own' or 'any'",
      'user.agents:stop': "must be 'own' or 'any'",
      viewer: 'must be an object of permissions',
    })
  })

  test.each([null, undefined, 'admin', 7, [['admin']]])('refuses %p as a table', (table) => {
    expect(refusal(table).details.fields).toEqual({ $: 'must be an object of roles' })
  })

  test('VAL-12 keys such as __proto__ and constructor are refused, not followed', () => {
    const table: unknown = JSON.parse('{"__proto__":{"agents:read":"any"},"constructor":{"agents:read":"any"}}')
    expect(Object.keys(refusal(table).details.fields as object)).toEqual(['__proto__', 'constructor'])
  })
})

describe('the grants of a policy', () => {
  test.each(ROLES)('of %s cannot be changed, also behind the types', (role) => {
    const grants = defaultPolicy.grants(role) as Map<unknown, unknown>
    const before = [...grants]
    expect(() => grants.set('users:manage', 'any')).toThrow(TypeError)
    expect(() => grants.delete('agents:read')).toThrow(TypeError)
    expect(() => grants.clear()).toThrow(TypeError)
    expect([...grants]).toEqual(before)
    expect(() => Object.assign(defaultPolicy, { grants: () => new Map() })).toThrow(TypeError)
  })

  test('do not follow later changes of the table', () => {
    const row: Record<string, 'own' | 'any'> = { 'agents:read': 'own' }
    const policy = definePolicy({ viewer: row })
    row['users:manage'] = 'any'
    expect([...policy.grants('viewer').keys()]).toEqual(['agents:read'])
  })

  test('of the administrator hold every permission there is', () => {
    expect([...defaultPolicy.grants('admin')]).toEqual(PERMISSIONS.map((permission) => [permission, 'any']))
  })
})

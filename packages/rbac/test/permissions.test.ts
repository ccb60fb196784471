import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parsePermission, parseRole, PERMISSIONS, ROLES } from '../src/index.ts'

describe('parse', () => {
  test('every listed role and permission is itself', () => {
    expect(ROLES.map(parseRole)).toEqual(['admin', 'user', 'viewer'])
    expect(PERMISSIONS.map(parsePermission)).toEqual(PERMISSIONS)
    expect(new Set(PERMISSIONS).size).toBe(14)
  })

  test.each([
    'Admin',
    'ADMIN',
    ' admin',
    'admin ',
    'root',
    '',
    'constructor',
    '__proto__',
    'adm\u0131n',
    null,
    undefined,
    0,
    {},
    ['admin'],
  ])('ACL-02 %p is no role and no permission', (value) => {
    expect(parseRole(value)).toBeUndefined()
    expect(parsePermission(value)).toBeUndefined()
  })

  test('ACL-02 no text outside the list is ever accepted', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.anything()), (value) => {
        fc.pre(!(ROLES as readonly unknown[]).includes(value) && !(PERMISSIONS as readonly unknown[]).includes(value))
        return parseRole(value) === undefined && parsePermission(value) === undefined
      }),
    )
  })

  test('the lists cannot be extended', () => {
    expect(() => (ROLES as string[]).push('root')).toThrow(TypeError)
    expect(() => (PERMISSIONS as string[]).push('all')).toThrow(TypeError)
  })
})

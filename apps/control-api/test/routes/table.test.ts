import { expect, test } from '@jest/globals'
import type { RouteDefinition } from '../../src/http/route.ts'
import { secretFields } from '../../src/http/schemas.ts'
import { compileFindFaults } from '../../src/http/validator.ts'
import { routes } from '../../src/routes/index.ts'

const nameOf = (route: RouteDefinition): string => `${route.method} ${route.path}`

/** Keywords that refuse NUL and control characters, or leave no room for them. */
const GUARDED = ['ironText', 'ironRule', 'ironId', 'ironAscii', 'ironTime', 'enum']
/** A text whose own reader refuses what it must not hold: a cursor. */
const READ_ELSEWHERE = /^after$/

/** The paths of texts in a schema that nothing guards. */
function unguarded(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  if ('type' in schema && schema.type === 'string') {
    return GUARDED.some((keyword) => keyword in schema) || READ_ELSEWHERE.test(path) ? [] : [path]
  }
  const { properties = {}, items } = schema as { properties?: Record<string, unknown>; items?: unknown }
  return [...Object.entries(properties), ['[]', items] as const].flatMap(([name, part]) => unguarded(part, name))
}

test('every schema compiles', () => {
  // They are compiled when they are first needed, which must not be where one that does not compile is noticed.
  const schemas = routes.flatMap(({ query, body }) => [query, body]).filter((schema) => schema !== undefined)
  expect(schemas.length).toBeGreaterThan(50)
  for (const schema of schemas) compileFindFaults(schema)(null)
})

test('VAL-07 every text of every route refuses NUL and control characters', () => {
  const found = routes.flatMap((route) =>
    [route.query, route.body].flatMap((schema) => unguarded(schema).map((path) => `${nameOf(route)}: ${path}`)),
  )
  expect(found).toEqual([])
})

test('SEC-01 every secret that a body may carry is marked as one', () => {
  const isSecret = /password|api_key|secret|refresh_token/
  const found = routes.flatMap((route) => {
    const { properties = {} } = (route.body ?? {}) as { properties?: Record<string, object> }
    const names = Object.keys(properties).filter((name) => isSecret.test(name) && name !== 'force_password_change')
    return names.map((name) => [nameOf(route), name, secretFields(route.body).includes(name)])
  })
  expect(found.length).toBeGreaterThan(5)
  expect(found.filter(([, , isMarked]) => isMarked !== true)).toEqual([])
})

test('VAL-09 every parameter of every path has its prefix and the code of what is missing', () => {
  for (const route of routes) {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    expect([nameOf(route), Object.keys(route.params ?? {}).sort()]).toEqual([nameOf(route), names.sort()])
  }
})

test('AUT-01 ACL-17 a route of people names a permission; only what http-api 3.2 lists is open or asks for none', () => {
  const without = routes.filter(({ auth, permission }) => auth !== 'agent' && permission === undefined).map(nameOf)
  const reference = [
    'GET /openapi.json',
    'GET /docs',
    'GET /docs/start.js',
    'GET /docs/swagger-ui.css',
    'GET /docs/swagger-ui.js',
  ]
  const open = [
    'GET /health',
    'GET /ready',
    'GET /version',
    ...reference,
    'GET /ws',
    'POST /auth/login',
    'POST /auth/refresh',
  ]
  const forItself = ['POST /usage', 'POST /usage/check']
  const notListed = without.filter((name) => !open.includes(name) && !forItself.includes(name))
  expect(notListed.filter((name) => !/ \/auth\//.test(name))).toEqual([])
  const takesNobody = routes.filter(({ auth }) => ['public', 'login', 'refresh'].includes(auth)).map(nameOf)
  expect(takesNobody).toEqual(open)
})

test('ACL-13 every route of an agent names what its token must allow, but state and heartbeat', () => {
  const without = routes.filter(({ auth, agentPermission }) => auth === 'agent' && agentPermission === undefined)
  expect(without.map(nameOf).filter((name) => !/\/(state|heartbeat)$/.test(name))).toEqual([])
})

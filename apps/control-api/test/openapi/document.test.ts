import { expect, test } from '@jest/globals'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { STATUS } from '../../src/http/errors.ts'
import type { RouteDefinition } from '../../src/http/route.ts'
import { compileFindFaults } from '../../src/http/validator.ts'
import { buildDocument } from '../../src/openapi/document.ts'
import { errorName } from '../../src/openapi/error-responses.ts'
import { routes } from '../../src/routes/index.ts'
import { checkDocumented, faultsOf } from '../support/documented.ts'

const document = buildDocument(routes)
const { components, paths } = document

interface Content {
  readonly schema: Readonly<Record<string, unknown>>
  readonly example?: unknown
}
interface Operation {
  readonly operationId: string
  readonly security: readonly object[]
  readonly requestBody?: { readonly content: { readonly 'application/json': Content } }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>
}

const nameOf = ({ method, path }: RouteDefinition): string => `${method} ${path}`
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation as unknown as Operation] as const,
  ),
)

test('has every route of the table and nothing else', () => {
  expect(operations.map(([name]) => name).sort()).toEqual(routes.map(nameOf).sort())
})

test('passes the strict rules of a public linter; what is excepted no operation of ours can have', async () => {
  const config = await createConfig({ extends: ['recommended-strict'] })
  const source = JSON.stringify(document)
  const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config })
  const found = problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer ?? ''}`)
  expect(found.sort()).toEqual([
    // What a path answers that is not in the document, and the schema of all errors for clients that handle them alike.
    'no-unused-components #/components/examples/MethodNotAllowed',
    'no-unused-components #/components/examples/NotFound',
    'no-unused-components #/components/schemas/Error',
    'no-unused-components #/components/schemas/MethodNotAllowed',
    'no-unused-components #/components/schemas/NotFound',
    // A WebSocket is not answered with 2XX.
    'operation-2xx-response #/paths/~1ws/get/responses',
  ])
})

test('describes every code with an example that is what it says', () => {
  for (const code of Object.keys(STATUS) as (keyof typeof STATUS)[]) {
    const name = errorName(code)
    const { value } = components['examples']?.[name] as { readonly value: unknown }
    for (const schema of [name, 'Error']) {
      expect([code, faultsOf({ $ref: `#/components/schemas/${schema}` }, value)]).toEqual([code, undefined])
    }
    expect(value).toMatchObject({ code })
  }
})

test('shows every success and every body with an example that is what it says', () => {
  for (const [name, { requestBody, responses }] of operations) {
    const bodies = requestBody === undefined ? [] : [requestBody.content['application/json']]
    const answers = Object.values(responses).map(({ content }) => content?.['application/json'])
    for (const content of [...bodies, ...answers]) {
      if (content === undefined || !('example' in content)) continue
      expect([name, faultsOf(content.schema, content.example)]).toEqual([name, undefined])
    }
    const succeeds = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    const silent = succeeds.filter(([, { content }]) => content?.['application/json']?.example === undefined)
    const isText = Object.values(silent).every(([, { content }]) => !('application/json' in (content ?? {})))
    expect([name, isText]).toEqual([name, true])
  }
})

test('shows bodies that the server itself takes, one for each route that needs one', () => {
  for (const route of routes) {
    const { body, example } = route
    if (body === undefined) continue
    expect([nameOf(route), typeof example]).toEqual([nameOf(route), 'object'])
    expect([nameOf(route), compileFindFaults(body)(structuredClone(example))]).toEqual([nameOf(route), undefined])
  }
})

test('gives one name to one shape', () => {
  const seen = new Map<string, string>()
  const collect = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    if ('ironName' in part) {
      const text = JSON.stringify(part)
      expect(seen.get(String(part.ironName)) ?? text).toBe(text)
      seen.set(String(part.ironName), text)
    }
    Object.values(part).forEach(collect)
  }
  routes.forEach(({ answers }) => collect(answers))
  expect(seen.size).toBeGreaterThan(40)
  const codes = Object.keys(STATUS).map((code) => errorName(code as keyof typeof STATUS))
  expect(codes.filter((name) => seen.has(name))).toEqual([])
})

test('says of no route that it is open which is not', () => {
  const open = operations.filter(([, { security }]) => security.length === 0).map(([name]) => name)
  const isOpen = ({ auth }: RouteDefinition): boolean => auth === 'public' || auth === 'login'
  expect(open.sort()).toEqual(routes.filter(isOpen).map(nameOf).sort())
})

test('an answer that the document does not describe fails the test that got it', () => {
  const exchange = { method: 'GET', path: '/api/v1/health', sent: undefined, sentHeaders: {} }
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const healthy = { status: 'healthy', timestamp: '2026-01-31T09:30:00.000Z' }
  const answered = (status: number, body: unknown) => () =>
    checkDocumented({ ...exchange, answer: { status, headers, body } })
  expect(answered(200, healthy)).not.toThrow()
  expect(answered(200, { ...healthy, more: 1 })).toThrow('must NOT have additional properties')
  expect(answered(200, { status: 'healthy' })).toThrow("must have required property 'timestamp'")
  expect(answered(202, healthy)).toThrow('no such status')
  expect(answered(429, { error: 'x', code: 'FORBIDDEN' })).toThrow('must be equal to one of the allowed values')
})

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApi, type TestApi } from '../support/api.ts'

let api: TestApi

beforeAll(async () => {
  api = await startApi()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

test.each(['/api/v1/openapi.json', '/api/openapi.json'])(
  '%s is the document, and may be kept for five minutes',
  async (path) => {
    const { status, headers, body } = await api.client.request('GET', path)
    expect([status, headers['content-type'], headers['cache-control'], headers.etag]).toEqual([
      200,
      'application/json; charset=utf-8',
      'public, max-age=300',
      undefined,
    ])
    expect(body).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/v1' }] })
  },
)

test.each(['/docs', '/docs/', '/api/docs', '/api/v1/docs'])(
  '%s is a page that loads nothing from elsewhere',
  async (path) => {
    const { status, headers, body } = await api.client.request('GET', path)
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'public, max-age=300',
    ])
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none';script-src 'self';")
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe/)
    expect([headers['x-frame-options'], headers['x-content-type-options']]).toEqual(['DENY', 'nosniff'])
    const loaded = [...String(body).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => String(address))
    expect(loaded.filter((address) => !/^(\/api\/v1\/|data:,$)/.test(address))).toEqual([])
    for (const address of loaded.filter((found) => found.startsWith('/'))) {
      const answer = await api.client.request('GET', address)
      expect([address, answer.status, answer.headers['cache-control']]).toEqual([address, 200, 'public, max-age=300'])
    }
  },
)

test.each(['/docs/swagger-ui-bundle.js.map', '/docs/index.html', '/docs/..%2f..%2fpackage.json', '/docs/package.json'])(
  '%s is not served: only the files of the page are',
  async (path) => {
    expect((await api.client.get(path)).status).toBe(404)
  },
)

test('IRON_DOCS=off removes document and page', async () => {
  await using silent = await startApi({ docs: false })
  for (const path of ['/api/openapi.json', '/api/v1/openapi.json', '/docs', '/api/v1/docs', '/api/v1/docs/start.js']) {
    const { status, body } = await silent.client.request('GET', path)
    expect([path, status, (body as { code: string }).code]).toEqual([path, 404, 'NOT_FOUND'])
  }
  expect((await silent.client.get('/health')).status).toBe(200)
})

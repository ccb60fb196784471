import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import express, { type NextFunction, type Request, type Response } from 'express'
import { definePolicy, type Permission, RbacError, type Resource, ROLES, type Subject } from '../../src/index.ts'
import { requirePermission } from '../../src/express.ts'

/** Who asks and what is asked about stand in the query, so that every test can choose. */
const subject = ({ query }: Request): Subject | undefined =>
  query['role'] === undefined
    ? undefined
    : ({ id: 'ann', role: query['role'], scopes: query['scopes'] === undefined ? null : [query['scopes']] } as Subject)
const owners: Readonly<Record<string, Resource>> = { own: { ownerId: 'ann' }, foreign: { ownerId: 'bob' } }
let lookups = 0
const resource = async ({ params }: Request): Promise<Resource | undefined> => {
  lookups += 1
  if (params['id'] === 'broken') throw new Error('the database is away')
  return owners[String(params['id'])]
}

let server: Server
let address: string
beforeAll(async () => {
  const app = express()
  const done = (_: Request, response: Response): void => void response.json({ passed: true })
  app.get('/agents/:id', requirePermission('agents:write', { subject, resource }), done)
  app.get('/users', requirePermission('users:manage', { subject }), done)
  const policy = definePolicy({ viewer: { 'users:manage': 'any' } })
  app.get('/own-policy', requirePermission('users:manage', { subject, policy }), done)
  app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
    response.status(500).json({ error: error.message })
  })
  server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
})
afterAll(() => void server.close())

async function get(path: string): Promise<{ status: number; text: string; challenge: string | null }> {
  const response = await fetch(`${address}${path}`)
  return {
    status: response.status,
    text: await response.text(),
    challenge: response.headers.get('www-authenticate'),
  }
}

describe('requirePermission', () => {
  test('AUT-01 nobody is 401, and nothing is looked up', async () => {
    lookups = 0
    const answer = await get('/agents/own')
    expect(answer).toEqual({
      status: 401,
      challenge: 'Bearer',
      text: '{"error":"Authentication required","code":"UNAUTHORIZED"}',
    })
    expect(lookups).toBe(0)
  })

  test('ACL-04 a missing permission is 403 before the row is looked up, and does not name the role', async () => {
    lookups = 0
    for (const id of ['own', 'foreign', 'missing', 'broken']) {
      const answer = await get(`/agents/${id}?role=viewer`)
      expect([answer.status, answer.text]).toEqual([403, '{"error":"Not allowed","code":"FORBIDDEN"}'])
    }
    expect(lookups).toBe(0)
  })

  test('ACL-03 somebody else’s row and no row are the same bytes', async () => {
    const foreign = await get('/agents/foreign?role=user')
    const missing = await get('/agents/missing?role=user')
    expect(foreign).toEqual({ status: 404, challenge: null, text: '{"error":"Not found","code":"NOT_FOUND"}' })
    expect(missing).toEqual(foreign)
  })

  test('ACL-01 every role on own, foreign and missing rows', async () => {
    const expected = { admin: [200, 200, 404], user: [200, 404, 404], viewer: [403, 403, 403] }
    for (const role of ROLES) {
      const statuses = []
      for (const id of ['own', 'foreign', 'missing']) statuses.push((await get(`/agents/${id}?role=${role}`)).status)
      expect([role, statuses]).toEqual([role, expected[role]])
    }
  })

  test('ACL-11 scopes narrow, and an unknown role is nobody special', async () => {
    expect((await get('/agents/own?role=user&scopes=agents:read')).status).toBe(403)
    expect((await get('/agents/own?role=user&scopes=agents:write')).status).toBe(200)
    expect((await get('/agents/own?role=Admin')).status).toBe(403)
  })

  test('without a resource the collection is asked for, by the policy that is given', async () => {
    expect((await get('/users?role=admin')).status).toBe(200)
    expect((await get('/users?role=user')).status).toBe(403)
    expect((await get('/own-policy?role=viewer')).status).toBe(200)
    expect((await get('/own-policy?role=admin')).status).toBe(403)
  })

  test('AUT-22 a lookup that fails goes to the error handling, never through', async () => {
    expect(await get('/agents/broken?role=user')).toMatchObject({
      status: 500,
      text: '{"error":"the database is away"}',
    })
  })

  test('a permission that does not exist is refused when the route is made', () => {
    const make = (): unknown => requirePermission('agents:fly' as Permission, { subject })
    expect(make).toThrow(RbacError)
  })
})

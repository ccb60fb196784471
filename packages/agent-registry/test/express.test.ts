import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { enginesForTests } from '@iron/database/testing'
import { describe, expect, test } from '@jest/globals'
import express, { type ErrorRequestHandler } from 'express'
import { agentOf, authenticateAgent } from '../src/express.ts'
import type { AgentRegistry } from '../src/index.ts'
import { createWorld } from './world.ts'

interface Server extends AsyncDisposable {
  /** Status and body. Headers as name and value in turn, so that one may be sent twice. */
  get(path: string, ...headers: string[]): Promise<readonly [number, Record<string, unknown>]>
}

/** A real application on a port of the loopback interface. */
async function serve(registry: AgentRegistry): Promise<Server> {
  const app = express()
  const who: express.RequestHandler = (request, response) => {
    response.json({ agent: agentOf(request)?.agentId ?? null })
  }
  app.get('/work', authenticateAgent(registry), who)
  app.get('/special', authenticateAgent(registry, { permission: 'analytics:admin' }), who)
  app.get('/maybe', authenticateAgent(registry, { required: false }), who)
  const failed: ErrorRequestHandler = (error: { code?: string }, _request, response, _next) => {
    response.status(503).json({ failed: error.code ?? 'unknown' })
  }
  app.use(failed)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    get: (path, ...headers) =>
      new Promise((resolve, reject) => {
        const options = { port, path, host: '127.0.0.1', agent: false, headers: ['Host', 'localhost', ...headers] }
        const request = http.get(options, (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => (text += chunk))
          response.on('end', () => resolve([response.statusCode ?? 0, JSON.parse(text) as Record<string, unknown>]))
        })
        request.on('error', reject)
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe.each(await enginesForTests())('express middleware on %s', (dialect) => {
  test('an IC token, by its header or as Bearer, is the agent that asks, and a sign of life', async () => {
    await using world = await createWorld(dialect)
    const { agent, icToken } = await world.agent()
    await using server = await serve(world.registry)
    const { token } = icToken
    for (const headers of [
      ['X-IC-Token', token],
      ['x-ic-token', token.slice('ic_'.length)],
      ['Authorization', `Bearer ${token}`],
      ['authorization', `bearer  ${token}`],
      ['X-IC-Token', token, 'Authorization', `Bearer ${token}`],
    ]) {
      expect(await server.get('/work', ...headers)).toEqual([200, { agent: agent.id }])
      expect(await server.get('/maybe', ...headers)).toEqual([200, { agent: agent.id }])
    }
    await world.db.ping()
    expect(await world.registry.get(agent.id)).toMatchObject({ lastSeenAt: world.clock.now() })
  })

  test('AUT-01 what is no good is refused by name, also where none is required; nothing presented may pass there', async () => {
    await using world = await createWorld(dialect)
    const { agent, icToken } = await world.agent()
    const other = await world.agent()
    await using server = await serve(world.registry)
    const { token } = icToken
    const unauthorized = [401, { error: 'Authentication required', code: 'UNAUTHORIZED' }] as const
    expect(await server.get('/work')).toEqual(unauthorized)
    expect(await server.get('/maybe')).toEqual([200, { agent: null }])
    expect(await server.get('/maybe', 'Authorization', 'Bearer somebody-else')).toEqual([200, { agent: null }])
    expect(await server.get('/work', 'Authorization', 'Bearer somebody-else')).toEqual(unauthorized)
    for (const headers of [
      ['X-IC-Token', `${token}x`],
      ['X-IC-Token', ''],
      ['X-IC-Token', token, 'X-IC-Token', token],
      ['Authorization', 'Bearer ic_nonsense'],
    ]) {
      expect([headers, await server.get('/maybe', ...headers)]).toEqual([headers, unauthorized])
    }
    expect(
      await server.get('/work', 'X-IC-Token', token, 'Authorization', `Bearer ${other.icToken.token}`),
    ).toMatchObject([400, { code: 'AMBIGUOUS_CREDENTIALS' }])
    expect(await server.get('/special', 'X-IC-Token', token)).toMatchObject([403, { code: 'FORBIDDEN' }])
    await world.registry.revokeIcToken(agent.id, world.owner.id)
    expect(await server.get('/work', 'X-IC-Token', token)).toMatchObject([401, { code: 'TOKEN_REVOKED' }])
    await world.test.close()
    expect(await server.get('/work', 'X-IC-Token', other.icToken.token)).toMatchObject([
      503,
      { failed: 'DATABASE_CLOSED' },
    ])
  })
})

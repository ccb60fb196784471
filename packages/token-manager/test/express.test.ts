import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import express, { type ErrorRequestHandler } from 'express'
import { authenticate, principalOf } from '../src/express.ts'
import { generateApiToken, type SessionService, type TokenManager } from '../src/index.ts'
import { ADMIN, ANN, sessionsOn, usersOn } from './support.ts'
import { OWNER, tokensOn } from './tokens-support.ts'

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: unknown
}

interface Server extends AsyncDisposable {
  /** Headers as name and value in turn, so that one may be sent twice. */
  get(path: string, ...headers: string[]): Promise<Answer>
}

/** A real application on a port of the loopback interface. */
async function serve(services: { sessions?: SessionService; tokens?: TokenManager }): Promise<Server> {
  const app = express()
  app.set('trust proxy', 'loopback')
  app.get('/me', authenticate(services), (request, response) => response.json(principalOf(request)))
  app.get('/maybe', authenticate({ ...services, required: false }), (request, response) =>
    response.json({ principal: principalOf(request) ?? null }),
  )
  const failed: ErrorRequestHandler = (error: { code?: string }, _request, response, _next) => {
    response.status(503).json({ failed: error.code ?? 'unknown' })
  }
  app.use(failed)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const get = (path: string, ...headers: string[]): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = http.get(
        { port, path, host: '127.0.0.1', agent: false, headers: ['Host', 'localhost', ...headers] },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => (text += chunk))
          response.on('end', () => {
            const status = response.statusCode ?? 0
            resolve({ status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) })
          })
        },
      )
      request.on('error', reject)
    })
  return {
    get,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await services.tokens?.close()
    },
  }
}

const unauthorized = { error: 'Authentication required', code: 'UNAUTHORIZED' }

describe.each(await enginesForTests())('express middleware on %s', (dialect) => {
  async function signedIn(test: TestDb): Promise<{ jwt: string; refresh: string; userId: string }> {
    const { id: userId } = await usersOn(test.db).createUser(ANN, ADMIN)
    const login = await sessionsOn(test.db).login(ANN.email, ANN.password as string)
    if (login.outcome !== 'ok') throw new Error(login.outcome)
    return { jwt: login.tokens.accessToken, refresh: login.tokens.refreshToken, userId }
  }

  test('AUT-18 a session or an API token, by Bearer or X-API-Token, is who asks', async () => {
    await using test = await createTestDb({ dialect })
    const [tokens, sessions] = [tokensOn(test.db), sessionsOn(test.db)]
    const { jwt, refresh, userId } = await signedIn(test)
    const { secret, token } = await tokens.issueToken(userId, 'x', ADMIN, { projectId: 'blue' })
    await using server = await serve({ sessions, tokens })
    const principal = { kind: 'api_token', tokenId: token.id, userId, role: 'user', projectId: 'blue' }
    for (const headers of [
      ['Authorization', `Bearer ${secret}`],
      ['authorization', `bearer  ${secret}`],
      ['X-API-Token', secret],
      ['X-API-Token', secret, 'Authorization', `Bearer ${secret}`],
    ]) {
      expect(await server.get('/me', ...headers)).toMatchObject({ status: 200, body: principal })
    }
    const session = await server.get('/me', 'Authorization', `Bearer ${jwt}`)
    expect(session).toMatchObject({ status: 200, body: { kind: 'session', userId, forcePasswordChange: false } })
    for (const headers of [
      ['Authorization', `Bearer ${refresh}`],
      ['X-API-Token', jwt],
      ['Authorization', `Bearer ${generateApiToken()}`],
      ['Authorization', 'Bearer a.b.c'],
      ['Authorization', `Bearer ${secret} ${secret}`],
      ['Authorization', `Bearer Bearer ${secret}`],
      ['Authorization', `Basic ${secret}`],
      ['Authorization', secret],
      ['Authorization', 'Bearer'],
      ['Authorization', ''],
      ['X-API-Token', ''],
      ['Authorization', `Bearer ${secret}`, 'Authorization', `Bearer ${secret}`],
      ['X-API-Token', secret, 'X-API-Token', secret],
      ['X-API-Token', secret, 'Authorization', 'Basic x'],
    ]) {
      for (const path of ['/me', '/maybe']) {
        const answer = await server.get(path, ...headers)
        expect([headers, answer.status, answer.body]).toEqual([headers, 401, unauthorized])
        expect(answer.headers['www-authenticate']).toBe('Bearer')
      }
    }
    for (const headers of [
      ['Authorization', `Bearer ${jwt}`, 'X-API-Token', secret],
      ['Authorization', `Bearer ${generateApiToken()}`, 'X-API-Token', secret],
    ]) {
      expect(await server.get('/me', ...headers)).toMatchObject({
        status: 400,
        body: { error: expect.any(String), code: 'AMBIGUOUS_CREDENTIALS' },
      })
    }
  })

  test('AUT-01 AUT-19 without a credential 401, unless none is required; one in the URL is none', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const secret = await tokens.createToken(OWNER, 'x')
    await using server = await serve({ tokens })
    const refused = await server.get(`/me?token=${secret}&access_token=${secret}&api_key=${secret}`)
    expect(refused).toMatchObject({ status: 401, body: unauthorized })
    expect(refused.headers['www-authenticate']).toBe('Bearer')
    expect(await server.get('/maybe')).toMatchObject({ status: 200, body: { principal: null } })
    expect(await server.get('/maybe', 'X-API-Token', secret)).toMatchObject({
      status: 200,
      body: { principal: { userId: OWNER } },
    })
  })

  test('SEC-04 refusals have one shape, and differ in code and status only', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const expiresAt = test.clock.now() + 1
    const expired = await tokens.createToken(OWNER, 'x', { expiresAt })
    const revoked = await tokens.issueToken(OWNER, 'y', ADMIN)
    await tokens.revokeToken(revoked.token.id, ADMIN)
    const bound = await tokens.createToken(OWNER, 'z', { allowedIps: ['192.0.2.0/24'] })
    const suspended = await tokens.createToken('user-002', 'z')
    await test.rows("UPDATE users SET suspended_at = 1 WHERE id = 'user-002'")
    test.clock.advance(1)
    await using server = await serve({ tokens })
    const ask = (secret: string, ...more: string[]): Promise<Answer> =>
      server.get('/me', 'X-API-Token', secret, ...more)
    const error = expect.any(String)
    const details = { expired_at: new Date(expiresAt).toISOString() }
    expect(await ask(expired)).toMatchObject({ status: 401, body: { error, code: 'TOKEN_EXPIRED', details } })
    expect((await ask(revoked.secret)).body).toEqual({ error, code: 'TOKEN_REVOKED' })
    expect(await ask(suspended)).toMatchObject({ status: 403, body: { error, code: 'ACCOUNT_SUSPENDED' } })
    expect(await ask(bound)).toMatchObject({ status: 403, body: { error, code: 'IP_NOT_ALLOWED' } })
    expect((await ask(bound)).headers['www-authenticate']).toBeUndefined()
    // The address is the one that the application's trusted proxies tell of.
    expect(await ask(bound, 'X-Forwarded-For', '192.0.2.7')).toMatchObject({ status: 200 })
    expect(await ask(bound, 'X-Forwarded-For', '192.0.2.7, 198.51.100.1')).toMatchObject({ status: 403 })
  })

  test('AUT-22 a failing database goes to the error handler, and is no refusal', async () => {
    await using test = await createTestDb({ dialect })
    const [tokens, sessions] = [tokensOn(test.db), sessionsOn(test.db)]
    const { jwt, userId } = await signedIn(test)
    const secret = await tokens.createToken(userId, 'x')
    await using server = await serve({ tokens, sessions })
    await test.close()
    for (const credential of [secret, jwt]) {
      for (const path of ['/me', '/maybe']) {
        expect(await server.get(path, 'Authorization', `Bearer ${credential}`)).toMatchObject({
          status: 503,
          body: { failed: 'DATABASE_CLOSED' },
        })
      }
    }
  })

  test('a kind of credential nobody accepts is unknown, and a middleware without services is not made', async () => {
    await using test = await createTestDb({ dialect })
    const [tokens, sessions] = [tokensOn(test.db), sessionsOn(test.db)]
    const { jwt, userId } = await signedIn(test)
    const secret = await tokens.createToken(userId, 'x')
    await using onlyTokens = await serve({ tokens })
    await using onlySessions = await serve({ sessions })
    expect(await onlyTokens.get('/me', 'Authorization', `Bearer ${jwt}`)).toMatchObject({ status: 401 })
    expect(await onlyTokens.get('/me', 'Authorization', `Bearer ${secret}`)).toMatchObject({ status: 200 })
    expect(await onlySessions.get('/me', 'Authorization', `Bearer ${jwt}`)).toMatchObject({ status: 200 })
    for (const headers of [
      ['Authorization', `Bearer ${secret}`],
      ['X-API-Token', secret],
    ]) {
      expect(await onlySessions.get('/me', ...headers)).toMatchObject({ status: 401, body: unauthorized })
    }
    expect(() => authenticate({})).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
  })
})

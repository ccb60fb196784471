/** What does it cost to know who an agent is: a token never seen before, and one seen a moment ago. */
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import { assert, roundRobin, timed, timeOfCall } from '../micro.ts'
import type { Question } from '../question.ts'

const HOUR_MS = 3_600_000
/** Twice what the manager remembers, so that one after the other is always unknown to it. */
const COLD_TOKENS = 20_000
const ISSUER = 'iron-control-panel'
const KID = 'k1'
const HMAC = 'one HMAC'

const secret = randomBytes(32)
const key = createSecretKey(secret)

type Verify = (jwt: string) => unknown
/** Takes a token and gives its agent; refuses a forged one. */
type Maker = () => Promise<{ readonly verify: Verify; readonly agentOf: (result: unknown) => unknown }>

const manager = async () => {
  const { IcTokenManager } = await import('@iron/ic-token')
  return new IcTokenManager({ keys: [{ kid: KID, secret }] })
}

const ours: Maker = async () => {
  const tokens = await manager()
  return {
    verify: (jwt) => tokens.verify(jwt),
    agentOf: (result) => (result as { claims: { agent_id: string } }).claims.agent_id,
  }
}

const payloadAgent = (result: unknown): unknown => (result as { agent_id?: string }).agent_id

const jsonwebtoken: Maker = async () => {
  const { default: jwt } = await import('jsonwebtoken')
  return { verify: (token) => jwt.verify(token, key, { algorithms: ['HS256'], issuer: ISSUER }), agentOf: payloadAgent }
}

const jose: Maker = async () => {
  const { jwtVerify } = await import('jose')
  const usages = ['verify'] as const
  const imported = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [...usages])
  return {
    verify: async (token) => (await jwtVerify(token, imported, { algorithms: ['HS256'], issuer: ISSUER })).payload,
    agentOf: payloadAgent,
  }
}

const fastJwt =
  (cache: boolean): Maker =>
  async () => {
    const { createVerifier } = await import('fast-jwt')
    const verify = createVerifier({ key: secret, algorithms: ['HS256'], allowedIss: ISSUER, cache })
    return { verify, agentOf: payloadAgent }
  }

/** The signature and nothing else: no claim is looked at but to say whose token it was. */
const hmac: Maker = async () => {
  const verify: Verify = (token) => {
    const dot = token.lastIndexOf('.')
    const expected = createHmac('sha256', key).update(token.slice(0, dot)).digest()
    if (!timingSafeEqual(expected, Buffer.from(token.slice(dot + 1), 'base64url'))) throw new Error('forged')
    return token
  }
  const agentOf = (token: unknown): unknown =>
    payloadAgent(JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()))
  return { verify, agentOf }
}

async function issued(count: number): Promise<{ jwt: string; agent: string }[]> {
  const tokens = await manager()
  return Array.from({ length: count }, (_, index) => {
    const agent = `agent_${index}`
    return { jwt: tokens.issue({ agentId: agent, expiresAt: Date.now() + HOUR_MS }).jwt, agent }
  })
}

function verifying(make: Maker, count: number): () => Promise<() => unknown> {
  return async () => {
    const tokens = await issued(count)
    const { verify, agentOf } = await make()
    for (const { jwt, agent } of tokens.slice(0, 100)) assert.equal(agentOf(await verify(jwt)), agent)
    const [first] = await issued(1)
    // The first character: the last one has bits that decode to nothing.
    const forged = (first?.jwt ?? '').replace(
      /\.([\w-])([\w-]+)$/,
      (_, one: string, rest: string) => `.${one === 'A' ? 'B' : 'A'}${rest}`,
    )
    await assert.rejects(async () => verify(forged))
    const next = roundRobin(tokens.map(({ jwt }) => jwt))
    return () => verify(next())
  }
}

export const questions: Readonly<Record<string, Question>> = {
  'ic-token-cold': {
    figures: timeOfCall('IC token, never seen', { against: 'jsonwebtoken', times: 1 / 1.1 }),
    contestants: [
      timed('ours', 'verify', verifying(ours, COLD_TOKENS)),
      timed('rival', 'jsonwebtoken', verifying(jsonwebtoken, COLD_TOKENS)),
      timed('rival', 'jose', verifying(jose, COLD_TOKENS)),
      timed('rival', 'fast-jwt', verifying(fastJwt(false), COLD_TOKENS)),
      timed('limit', HMAC, verifying(hmac, COLD_TOKENS)),
    ],
  },
  'ic-token-again': {
    figures: timeOfCall('IC token, seen before', { bound: 2_000 }, { against: HMAC, times: 1 }),
    contestants: [
      timed('ours', 'verify', verifying(ours, 100)),
      timed('rival', 'fast-jwt with cache', verifying(fastJwt(true), 100)),
      timed('limit', HMAC, verifying(hmac, 100)),
    ],
  },
}

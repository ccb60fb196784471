/** What does it cost to know whose API token this is, when it was used a moment ago. */
import { hash } from 'node:crypto'
import { assert, roundRobin, timed, timeOfCall } from '../micro.ts'
import type { Question } from '../question.ts'

const TOKENS = 1_000
const HASHED = 'crypto.hash and Map'

type Authenticate = (token: string) => unknown
interface Issued {
  readonly tokens: readonly { readonly token: string; readonly owner: string }[]
  readonly authenticate: Authenticate
  readonly ownerOf: (result: unknown) => unknown
}

const ours = async (): Promise<Issued> => {
  const { TokenManager } = await import('@iron/token-manager')
  const manager = new TokenManager(':memory:', { maxActivePerOwner: TOKENS })
  const tokens: { token: string; owner: string }[] = []
  for (let index = 0; index < TOKENS; index += 1) {
    const owner = `user-${index}`
    tokens.push({ token: await manager.createToken(owner, 'bench'), owner })
  }
  return {
    tokens,
    authenticate: (token) => manager.authenticate(token),
    ownerOf: (result) => (result as { principal?: { userId: string } }).principal?.userId,
  }
}

/** Checks one token against one hash; finding that hash by its short token is the caller's. */
const prefixed = async (): Promise<Issued> => {
  const { checkAPIKey, extractShortToken, generateAPIKey } = await import('prefixed-api-key')
  const known = new Map<string, { hash: string; owner: string }>()
  const tokens: { token: string; owner: string }[] = []
  for (let index = 0; index < TOKENS; index += 1) {
    const { token = '', shortToken = '', longTokenHash = '' } = await generateAPIKey({ keyPrefix: 'bench' })
    known.set(shortToken, { hash: longTokenHash, owner: `user-${index}` })
    tokens.push({ token, owner: `user-${index}` })
  }
  const authenticate: Authenticate = (token) => {
    const found = known.get(extractShortToken(token))
    return found !== undefined && checkAPIKey(token, found.hash) ? found.owner : undefined
  }
  return { tokens, authenticate, ownerOf: (owner) => owner }
}

const hashed = async (): Promise<Issued> => {
  const tokens = Array.from({ length: TOKENS }, (_, index) => {
    const owner = `user-${index}`
    return { token: `at_${hash('sha256', owner, 'base64url')}000000`, owner }
  })
  const known = new Map(tokens.map(({ token, owner }) => [hash('sha256', token, 'hex'), { owner }]))
  return {
    tokens,
    authenticate: (token) => known.get(hash('sha256', token, 'hex')),
    ownerOf: (result) => (result as { owner?: string } | undefined)?.owner,
  }
}

const authenticating = (make: () => Promise<Issued>) => async () => {
  const { tokens, authenticate, ownerOf } = await make()
  for (const { token, owner } of tokens) assert.equal(ownerOf(await authenticate(token)), owner)
  const [{ token: first } = { token: '' }] = tokens
  const forged = first.slice(0, -8) + first.slice(-8).split('').reverse().join('')
  assert.equal(ownerOf(await authenticate(forged)), undefined)
  const next = roundRobin(tokens.map(({ token }) => token))
  return () => authenticate(next())
}

export const questions: Readonly<Record<string, Question>> = {
  'api-token': {
    figures: timeOfCall('API token, seen before', { against: HASHED, times: 1 / 2 }),
    contestants: [
      timed('ours', 'authenticate', authenticating(ours)),
      timed('rival', 'prefixed-api-key', authenticating(prefixed)),
      timed('limit', HASHED, authenticating(hashed)),
    ],
  },
}

import { expect, test } from '@jest/globals'
import type { Attempt } from '../src/attempt.ts'
import { faultsOf } from '../src/judge.ts'
import type { Surface } from '../src/operations.ts'
import type { Answer } from '../src/wire.ts'

const surface: Surface = {
  operations: [],
  codes: new Set(['FORBIDDEN', 'SERVICE_UNAVAILABLE']),
  resolve: (schema) => schema,
}
const attempt: Attempt = {
  operation: {
    name: 'GET /things',
    method: 'GET',
    path: '/things',
    query: [],
    body: undefined,
    credentials: [],
    permissions: [],
    statuses: new Set([200, 403, 503]),
  },
  principal: { name: 'alice', scheme: 'session', canary: 'of-alice', forbidden: ['of-bob'], headers: {} },
  method: 'GET',
  target: '/api/v1/things',
  headers: [],
  body: '',
  framing: 'none',
  raw: undefined,
  isPlain: true,
}
const id = { 'x-request-id': 'r1' }
const refusal = (status: number, body: unknown, headers = {}): Answer => ({
  status,
  headers: { ...id, ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const found = (answer: Answer, changes: Partial<Attempt> = {}): string[] =>
  faultsOf(surface, { ...attempt, ...changes }, { answers: [answer], rest: '', hangs: false })

test('what is as it should be is no fault', () => {
  expect(found({ status: 200, headers: id, body: '{"name":"of-alice"}' })).toEqual([])
  expect(found(refusal(403, { error: 'Not allowed', code: 'FORBIDDEN' }))).toEqual([])
  const busy = { error: 'Busy', code: 'SERVICE_UNAVAILABLE', details: { request_id: 'r1' } }
  expect(found(refusal(503, busy, { 'retry-after': '1' }))).toEqual([])
})

test.each<[string, Answer, RegExp]>([
  ['a fault of the server', refusal(500, { error: 'x', code: 'FORBIDDEN' }), /^500/],
  ['a busy server that does not say when', refusal(503, { error: 'x', code: 'SERVICE_UNAVAILABLE' }), /^503/],
  ['what belongs to another', { status: 200, headers: id, body: '{"name":"of-bob"}' }, /is shown of-bob/],
  ['the same in a header', { status: 200, headers: { ...id, location: '/of-bob' }, body: '' }, /is shown of-bob/],
  ['a stack', refusal(403, { error: 'at x (file.ts:1:2)', code: 'FORBIDDEN' }), /tells of the inside/],
  ['a missing request id', { status: 200, headers: {}, body: '' }, /no X-Request-Id/],
  ['an injected header', { status: 200, headers: { ...id, 'x-injected': 'yes' }, body: '' }, /injected/],
  ['an undocumented status', { status: 201, headers: id, body: '{}' }, /201 is not documented/],
  ['a refusal that is no JSON', refusal(403, '<html>'), /no JSON/],
  ['a code that nobody listed', refusal(403, { error: 'x', code: 'NEW' }), /not listed: NEW/],
  ['a refusal without a text', refusal(403, { code: 'FORBIDDEN' }), /without a text/],
  ['a refusal with more', refusal(403, { error: 'x', code: 'FORBIDDEN', stack: '' }), /more than it should/],
  ['401 without a challenge', refusal(401, { error: 'x', code: 'FORBIDDEN' }), /WWW-Authenticate/],
  ['429 without a time', refusal(429, { error: 'x', code: 'FORBIDDEN' }), /Retry-After/],
])('%s is found', (_, answer, fault) => {
  expect(found(answer)).toContainEqual(expect.stringMatching(fault))
})

test('silence is found, but where HTTP itself was broken', () => {
  expect(faultsOf(surface, attempt, { answers: [], rest: '', hangs: false })).toEqual(['no answer'])
  expect(faultsOf(surface, { ...attempt, raw: 'x' }, { answers: [], rest: '', hangs: false })).toEqual([])
  expect(faultsOf(surface, attempt, { answers: [], rest: '', hangs: true })).toHaveLength(1)
})

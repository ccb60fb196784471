import { expect, test } from '@jest/globals'
import { createLogger } from '../../src/observability/logger.ts'

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = []
  write(createLogger('info', { write: (line) => void lines.push(line) }))
  return lines
}

test('OPS-16 a line is JSON with level, time and request id', () => {
  const [line = ''] = logged((logger) => logger.info({ request_id: 'r-1', status: 404 }, 'request'))
  expect(JSON.parse(line)).toMatchObject({
    level: 'info',
    service: 'iron-control-api',
    request_id: 'r-1',
    status: 404,
    msg: 'request',
  })
  expect(line.endsWith('\n')).toBe(true)
})

test.each([
  ['an IC token', 'ic_eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln'],
  ['a session', 'eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln'],
  ['an API token', 'at_abcdefghijklmnopqrstuvwxyz0123456789'],
  ['a provider key', 'sk-proj-0123456789abcdef'],
  ['an IP token', 'AES256:aXY=:Y2lwaGVy:dGFn'],
  ['a password in a URL', 'hunter2hunter2'],
])('SEC-01 OPS-16 %s is masked in every field of a line', (_, secret) => {
  const text = `before ${secret.startsWith('hunter') ? `postgres://iron:${secret}@db/iron` : secret} after`
  const lines = logged((logger) => {
    logger.error({ err: new Error(text, { cause: new Error(text) }) }, text)
    logger.warn({ anything: { nested: [text] } }, 'nested')
    logger.info({ body: { password: secret, token: secret, api_key: secret } }, 'by name')
  })
  expect(lines).toHaveLength(3)
  for (const line of lines) {
    expect(line).toContain('[redacted]')
    expect(line).not.toContain(secret)
    expect(() => JSON.parse(line) as unknown).not.toThrow()
  }
})

test('OPS-16 a line is bounded and keeps what identifies it', () => {
  const [line = ''] = logged((logger) =>
    logger.error({ request_id: 'r-1', list: Array(10_000).fill('entry') }, 'm'.repeat(50_000)),
  )
  expect(line.length).toBeLessThan(3_000)
  expect(JSON.parse(line)).toMatchObject({ level: 'error', request_id: 'r-1', cut_from_chars: expect.any(Number) })
})

test('OPS-16 masking takes linear time on hostile text', () => {
  const hostile = ['://', 'ic_', 'eyJ', 'at_', ':'].map((part) => part.repeat(3_000)).join('')
  const began = performance.now()
  logged((logger) => logger.info({ hostile: hostile.slice(0, 15_000) }, 'x'))
  expect(performance.now() - began).toBeLessThan(1_000)
})

import { expect, test } from '@jest/globals'
import type { Json } from '@iron/database'
import { looksSecret, redact } from '@iron/journal'

test.each([
  'password',
  'newPassword',
  'PASSWORD_HASH',
  'token',
  'ic_token',
  'accessToken',
  'api-key',
  'APIKey',
  'secret',
  'client_secret_value',
  'Authorization',
  'token_hash',
  'keys',
  'cookie',
])('SEC-01: %s names a secret', (key) => {
  expect(looksSecret(key)).toBe(true)
})

test.each([
  'token_id',
  'keyId',
  'key_version',
  'tokens_used',
  'monkey',
  'name',
  'masked',
  'password_changed_at',
  'secret_count',
  '',
])('%s names none', (key) => {
  expect(looksSecret(key)).toBe(false)
})

test('SEC-01: what stands under such a key is replaced, whatever it is, but not what says nothing', () => {
  const value: unknown = JSON.parse(
    '{"password":12345,"token":{"a":["x"]},"keys":["x"],"output_tokens":7,"has_key":true,"key":null,"__proto__":{"secret":"x"},"list":[{"secret":""}]}',
  )
  expect(JSON.stringify(redact(value as Json))).toBe(
    '{"password":"[redacted]","token":"[redacted]","keys":"[redacted]","output_tokens":7,"has_key":true,"key":null,"__proto__":{"secret":"[redacted]"},"list":[{"secret":"[redacted]"}]}',
  )
})

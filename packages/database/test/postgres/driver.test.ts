import { expect, test } from '@jest/globals'
import { loadDriver } from '../../src/postgres/client.ts'

test('a driver that is not installed is named', async () => {
  const missing = Object.assign(new Error("Cannot find package 'pg'"), { code: 'ERR_MODULE_NOT_FOUND' })
  await expect(loadDriver(() => Promise.reject(missing))).rejects.toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
    message: expect.stringContaining('pg'),
    details: { package: 'pg' },
    retryable: false,
    cause: missing,
  })
})

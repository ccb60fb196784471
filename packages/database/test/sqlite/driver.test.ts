import { describe, expect, test } from '@jest/globals'
import { DatabaseError } from '../../src/index.ts'
import { requireNodeApi } from '../../src/sqlite/driver.ts'

describe('a Node that SQLite would crash', () => {
  test.each([
    ['22.13.1', '9'],
    ['20.20.2', '9'],
  ])('is refused with the version it takes: %s', (node, napi) => {
    const refused = new DatabaseError('DATABASE_UNAVAILABLE', `SQLite needs Node 22.14 or newer; this is ${node}`)
    expect(() => requireNodeApi({ node, napi })).toThrow(refused)
  })

  test.each([['10'], ['11'], [undefined]])('is none with Node-API %s', (napi) => {
    expect(() => requireNodeApi({ node: '24.0.0', napi })).not.toThrow()
  })
})

/** What every connection is opened with. */
import { expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '../../src/testing.ts'

const engines = await enginesForTests()

test.each(engines.filter((engine) => engine === 'postgres'))(
  '%s compiles no statement: a page would wait longer for that than for its rows',
  async (dialect) => {
    await using world = await createTestDb({ dialect })
    expect(await world.scalar('SHOW jit')).toBe('off')
  },
)

import { expect, test } from '@jest/globals'
import { postgresForTests, redisForTests } from '@iron/test-kit'
import { SCENARIOS } from '../../src/scenarios.ts'

const present = (await postgresForTests()) !== undefined && (await redisForTests()) !== undefined
const maybe = present ? test : test.skip

maybe(
  'CON-11 CON-12 CON-24 LIM-08 OPS-02 three processes: no over-grant, no error under load, nothing lost with PostgreSQL, Redis or a process',
  async () => {
    const told: string[] = []
    await SCENARIOS['all']?.({ program: 'sources', size: 'short', say: (text) => void told.push(text) })
    expect(told.filter((text) => text.includes('iron verify finds nothing'))).toHaveLength(3)
  },
  240_000,
)

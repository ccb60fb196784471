/** In full: `pnpm fuzz --requests 200000`. */
import { expect, test } from '@jest/globals'
import { fuzz } from '../../src/fuzz.ts'

const setting = (name: string, otherwise: number): number => Number(process.env[`IRON_TEST_FUZZ_${name}`] ?? otherwise)

test('VAL-01 AUT-21 ACL-03 OPS-11 OPS-12 hostile requests for every route: no 5xx, no hang, no leak, no growth, sound books', async () => {
  const report = await fuzz({
    program: 'sources',
    seed: setting('SEED', 1),
    requests: setting('REQUESTS', 2_000),
    seconds: setting('SECONDS', 4),
    first: 0,
    say: () => undefined,
  })
  expect(report.failures).toEqual([])
  expect(report.sent).toBeGreaterThan(100)
  // Input that never gets past the first check would prove nothing.
  expect(report.succeeded.length).toBeGreaterThan(20)
}, 120_000)

/** In full: `pnpm crash all`. */
import { beforeEach, expect, test } from '@jest/globals'
import { tryDisk } from '../../src/disk/disk.ts'
import { checkHistory } from '../../src/history/run.ts'
import { crashPoints } from '../../src/points/points.ts'
import { cutPower } from '../../src/power/power.ts'
import type { Setting } from '../../src/setting.ts'

const said: string[] = []
const setting: Setting = {
  program: 'sources',
  size: 'short',
  engines: [{ name: 'sqlite' }],
  say: (text) => void said.push(text),
}

beforeEach(() => {
  said.length = 0
})

/** What was said matches, unless a program that the machine lacks was needed: then the test's output says so. */
function expectShown(pattern: RegExp): void {
  const skipped = said.find((text) => text.includes('SKIPPED'))
  if (skipped === undefined) expect(said.join('\n')).toMatch(pattern)
  else console.warn(skipped)
}

test('CON-24 a report that is killed before, in and after its commit is there once or not at all', async () => {
  await crashPoints({ name: 'sqlite' }, setting, ['report'])
  expect(said.at(-2)).toMatch(/killed at 3: nothing there at 2, all there at 1, of those 0 acknowledged/)
}, 240_000)

test('CON-24 MON-20 the history of many clients breaks no rule while the server is killed', async () => {
  const { calls, agents } = await checkHistory({ name: 'sqlite' }, setting)
  // A history in which nothing happened would prove nothing.
  const kinds = new Set(calls.filter(({ outcome }) => outcome.kind === 'done').map(({ intention }) => intention.kind))
  expect([...kinds].sort()).toEqual(expect.arrayContaining(['allocate', 'grant', 'look', 'report', 'return']))
  expect(agents.reduce((sum, { ledger }) => sum + ledger.length, 0)).toBeGreaterThan(100)
}, 240_000)

test('OPS-04 a full disk is answered with 503, writes are taken again when there is room, and nothing acknowledged is lost', async () => {
  await tryDisk(setting, ['disk full under load'])
  expectShown(/reports fitted, then 503 with Retry-After and not ready while reads went on/)
}, 240_000)

test('CON-24 no acknowledgement leaves before the journal is on disk', async () => {
  await cutPower(setting)
  expectShown(/acknowledged reports, \d+ × fdatasync of the journal: none left before/)
}, 240_000)

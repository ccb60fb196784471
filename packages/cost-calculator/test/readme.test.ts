import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

const PACKAGE = new URL('..', import.meta.url)

test('the README quick start runs and prints what it says', () => {
  const readme = readFileSync(new URL('README.md', PACKAGE), 'utf8')
  const quickStart = /```ts\n(\/\/ README @iron\/cost-calculator\n[^`]+)```/.exec(readme)?.[1] ?? ''
  const output = execFileSync(
    process.execPath,
    ['--conditions=@iron/source', '--input-type=module-typescript', '--eval', quickStart],
    {
      cwd: PACKAGE,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    },
  )
  // 200 x 2.5 + 1000 x 1.25 + 310 x 10 = 4850 microdollars of 5000000
  expect(output.trim()).toBe('0.00485 4995150')
})

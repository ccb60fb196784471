import { expect, test } from '@jest/globals'
import { checkExpressions } from '../src/expressions.ts'
import { TemporaryFolder } from './temporary-folder.ts'

test('VAL-18 an expression that takes more than linear time is found, and its place named', async () => {
  using folder = new TemporaryFolder()
  const lines = [
    'export const fine = /^[a-z]+$/',
    '',
    'export const slow = /^(a+)+$/',
    'export const quadratic = /a+$/',
  ]
  folder.write('packages/one/src/index.ts', lines.join('\n'))
  const findings = await checkExpressions(folder.path)
  expect(findings.map(({ where, text }) => [where, text.split(' ')[0]])).toEqual([
    ['packages/one/src/index.ts:3', '/^(a+)+$/'],
    ['packages/one/src/index.ts:4', '/a+$/'],
  ])
  expect(findings[0]?.text).toContain('exponential')
}, 60_000)

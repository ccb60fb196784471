import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { checkDeployment } from '../src/deployment.ts'
import { TemporaryFolder } from './temporary-folder.ts'

const deploy = path.resolve(import.meta.dirname, '..', '..', '..', 'apps', 'control-api', 'deploy')
const FILES = ['Dockerfile', 'compose.yaml', 'iron.service']

async function rulesWith(name: string, from: string, to: string): Promise<string[]> {
  using folder = new TemporaryFolder()
  for (const file of FILES) {
    const text = readFileSync(path.join(deploy, file), 'utf8')
    folder.write(`apps/control-api/deploy/${file}`, file === name ? text.replace(from, to) : text)
  }
  return (await checkDeployment(folder.path)).map(({ rule }) => rule)
}

test.each([
  ['nothing', 'Dockerfile', 'FROM ', 'FROM ', []],
  ['an unknown instruction', 'Dockerfile', 'USER node', 'USERS node', ['dockerfile']],
  ['a port bound twice', 'compose.yaml', '127.0.0.1:3001', '127.0.0.1:3000', ['compose']],
])('%s is found', async (_, name, from, to, rules) => {
  expect(await rulesWith(name, from, to)).toEqual(rules)
})

test('a missing file is found', async () => {
  using folder = new TemporaryFolder()
  expect((await checkDeployment(folder.path)).map(({ text }) => text)).toEqual([
    'has no Dockerfile, compose.yaml, iron.service',
  ])
})

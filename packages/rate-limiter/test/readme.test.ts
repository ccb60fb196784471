import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { redisForTests } from '@iron/test-kit'

const packageRoot = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const blocks = Array.from(readme.matchAll(/```ts\n([^]*?)```/g), ([, code = '']) => code)

async function run(code: string): Promise<string> {
  const flags = ['--conditions=@iron/source', '--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', code], { cwd: packageRoot })
  return stdout
}

test('the examples of the README run and print what they say', async () => {
  const [quickStart = '', decisions = '', redis = '', express = '', ...others] = blocks
  expect(others).toEqual([])
  expect(await run(`${quickStart}\nconsole.log(await limiter.check('user-001'))`)).toBe('true\n')
  expect(await run(decisions)).toBe('7 0 true\n')
  expect(await run(`${express}\nconsole.log(typeof app)`)).toBe('function\n')
  const url = (await redisForTests())?.url
  if (url === undefined) return
  const example = redis
    .replace('redis://127.0.0.1:6379', url)
    .replace("'my-app'", `'iron-test:${process.pid}'`)
    .replace('await client.close()', '')
  const ending =
    "console.log((await limiter.consume('user-001')).degraded); await limiter.reset('user-001'); client.destroy()"
  expect(await run(`${example}\n${ending}`)).toBe('true\nfalse\n')
})

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const packageRoot = fileURLToPath(new URL('..', import.meta.url))

/** Runs TypeScript as a user's file beside this package would run; gives what it prints. */
async function run(source: string): Promise<string[]> {
  const flags = ['--conditions=@iron/source', '--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', source], { cwd: packageRoot })
  return stdout.trim().split('\n')
}

test('every line of the quick start of the README gives what its comment says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const quickStart = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? ''
  const comments = [...quickStart.matchAll(/ \/\/ (.+)$/gm)].map((match) => match[1])
  const printing = quickStart.replaceAll(/^(\w+\(.*\)) +\/\/ .+$/gm, 'print(() => $1)')
  const print =
    'function print(ask) { try { console.log(ask()) } catch (error) { console.log("throws " + error.code) } }'
  expect(comments).toEqual(['true', 'false', "'own'", 'throws NOT_OWNER'])
  expect((await run(`${printing}\n${print}`)).join()).toBe(comments.join().replaceAll("'", ''))
})

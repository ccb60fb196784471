import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const packageRoot = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const examples = Array.from(readme.matchAll(/```ts\n([^]*?)```/g), ([, code = '']) => code)
/** What an example says that it prints: the comments of the lines that do. */
const told = (code: string): string =>
  Array.from(code.matchAll(/console\.log\(.*\) \/\/ (.*)\n/g), ([, text = '']) => `${text}\n`).join('')

test.each(examples)('an example of the README runs and prints what it says', async (example) => {
  const flags = ['--conditions=@iron/source', '--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', example], { cwd: packageRoot })
  expect(stdout).toBe(told(example))
})

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const packageRoot = fileURLToPath(new URL('..', import.meta.url))

test('the quick start of the README runs and prints that the key came back', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const quickStart = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? ''
  const flags = ['--conditions=@iron/source', '--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', quickStart], { cwd: packageRoot })
  expect(stdout).toBe('true\n')
})

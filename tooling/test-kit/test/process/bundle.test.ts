import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { bundle } from '../../src/bundle.ts'

let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'iron-bundle-')))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text)
const make = (): Promise<string> => bundle(path.join(folder, 'program.ts'), path.join(folder, 'cache'))
const run = (program: string): string =>
  execFileSync(process.execPath, [program], { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })

test('a bundle is made once, and again when something that went into it has changed', async () => {
  write('program.ts', "import { word } from './word.ts'\nconsole.log(word, import.meta.url, import.meta.dirname)\n")
  write('word.ts', "export const word: string = 'one'\n")
  const here = `${pathToFileURL(path.join(folder, 'program.ts')).href} ${folder}`
  const first = await make()
  expect(run(first)).toBe(`one ${here}\n`)
  expect(await make()).toBe(first)

  write('word.ts', "export const word: string = 'another'\n")
  const second = await make()
  expect(second).not.toBe(first)
  expect(run(second)).toBe(`another ${here}\n`)
  // Whoever has started it may still read it.
  expect(run(first)).toBe(`one ${here}\n`)

  rmSync(path.join(folder, 'word.ts'))
  await expect(make()).rejects.toThrow('word.ts')
})

test('it may be asked for several times at once', async () => {
  write('program.ts', "console.log('hello')\n")
  const made = await Promise.all([make(), make(), make()])
  expect(new Set(made).size).toBe(1)
  expect(run(made[0])).toBe('hello\n')
})

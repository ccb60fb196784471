import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { runOnChange } from '../src/run-on-change.ts'

/** Adds a line when it starts, and runs until it is told to end. */
const PROGRAM = `import { appendFileSync } from 'node:fs'
appendFileSync('started', 'started\\n')
setInterval(() => {}, 1000)
`

test('a program is started again after a change below its folders, and ended by the signal', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-on-change-'))
  const source = path.join(folder, 'src', 'deep')
  mkdirSync(source, { recursive: true })
  writeFileSync(path.join(folder, 'program.mjs'), PROGRAM)
  const ending = new AbortController()
  const restarted: string[] = []
  const running = runOnChange({
    args: ['program.mjs'],
    cwd: folder,
    folders: [path.join(folder, 'src')],
    signal: ending.signal,
    onRestart: (file) => restarted.push(file),
  })
  const starts = (): number => {
    try {
      return readFileSync(path.join(folder, 'started'), 'utf8').trim().split('\n').length
    } catch {
      return 0
    }
  }
  try {
    await until(() => starts() === 1)
    writeFileSync(path.join(source, 'changed.ts'), '1')
    await until(() => starts() === 2)
    expect(restarted).toHaveLength(1)
  } finally {
    ending.abort()
    await running
    rmSync(folder, { recursive: true, force: true })
  }
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

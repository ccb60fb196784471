/** No file, export or dependency that nobody uses (knip; its configuration stands beside this package's manifest). */
import path from 'node:path'
import { dependencyProgram } from './dependency.ts'
import type { Check } from './finding.ts'
import { runProgram } from './run-program.ts'

export const CONFIG = path.join('tooling', 'checks', 'knip.json')

export const checkUnused: Check = async (root) => {
  const args = [
    dependencyProgram('knip'),
    '--config',
    CONFIG,
    '--no-progress',
    '--reporter',
    'compact',
    '--treat-config-hints-as-errors',
  ]
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { cwd: root, env: { NO_COLOR: '1' } })
  if (code === 0) return []
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
  return lines.map((text) => ({ rule: 'unused', where: 'knip', text }))
}

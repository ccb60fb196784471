import { existsSync } from 'node:fs'
import path from 'node:path'
import { runProgram } from './run-program.ts'

/** Files that git tracks or would track, relative to the root. @throws Error outside a git work tree */
export async function trackedFiles(root: string): Promise<string[]> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { code, stdout, stderr } = await runProgram('git', args, { cwd: root })
  if (code !== 0) throw new Error(`git ls-files: ${stderr}`)
  return [...new Set(stdout.split('\0'))].filter((file) => file !== '' && existsSync(path.join(root, file)))
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Names of all files of a large repository. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Files that git tracks or would track, relative to the root. */
export function trackedFiles(root: string): Promise<string[]> {
  return list(root, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
}

/** Files that the next commit adds or changes. */
export function stagedFiles(root: string): Promise<string[]> {
  return list(root, ['diff', '--cached', '--name-only', '--diff-filter=ACMR', '-z'])
}

/** A file as the next commit has it, which may differ from what lies in the folder. */
export async function stagedText(root: string, file: string): Promise<string> {
  return (await run('git', ['show', `:${file}`], { cwd: root, maxBuffer: OUTPUT_BYTES_MAX })).stdout
}

async function list(root: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await run('git', args, { cwd: root, maxBuffer: OUTPUT_BYTES_MAX })
  return [...new Set(stdout.split('\0'))].filter((file) => file !== '')
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EXIT_CODES } from '@iron/control-api/development'
import { ROOT } from '../root.ts'
import { runNode } from '../run-program.ts'
import { say } from '../say.ts'
import { stagedFiles } from '../tracked-files.ts'
import { validate } from './validate.ts'

const HOOKS = 'tooling/hooks'
const run = promisify(execFile)

/** `hooks:install`: git runs our checks before each commit. */
export async function installHooks(): Promise<void> {
  await run('git', ['config', 'core.hooksPath', HOOKS], { cwd: ROOT })
  say(`git runs ${HOOKS}/pre-commit before each commit; pnpm hooks:uninstall ends that`)
}

/** `hooks:uninstall`: only ours; another folder of hooks is left alone. */
export async function uninstallHooks(): Promise<void> {
  const { stdout } = await run('git', ['config', '--default', '', 'core.hooksPath'], { cwd: ROOT })
  if (stdout.trim() !== HOOKS) {
    say('the hooks are not installed')
    return
  }
  await run('git', ['config', '--unset', 'core.hooksPath'], { cwd: ROOT })
  say('git runs no hooks any more')
}

/** What the hook runs: the paths and the format of what is about to be committed. */
export async function preCommit(): Promise<void> {
  await validate(['validate:paths'], { staged: true })
  const files = await stagedFiles(ROOT)
  if (files.length === 0) return
  const prettier = ['node_modules/prettier/bin/prettier.cjs', '--check', '--ignore-unknown', '--log-level', 'warn']
  if ((await runNode([...prettier, ...files])) !== 0) process.exitCode = EXIT_CODES.findings
}

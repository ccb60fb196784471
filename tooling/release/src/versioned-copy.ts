/**
 * A copy of the repository's published packages in which the waiting release notes have become versions and changelogs, so
 * that a release can be rehearsed without touching the work tree.
 */
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { dependencyProgram } from '@iron/checks/dependency'
import { onOneLine, runProgram } from '@iron/checks/run-program'
import { trackedFiles } from '@iron/checks/tracked-files'
import { publishedPackages } from '@iron/checks/workspace'

const OWN_MODULES = new URL('../node_modules', import.meta.url)

/** Copies what git knows and what was built, versions it, and links the packages to each other. @throws Error naming the step that failed */
export async function makeVersionedCopy(root: string, into: string): Promise<void> {
  for (const file of await trackedFiles(root)) {
    if (!existsSync(path.join(root, file))) continue
    mkdirSync(path.dirname(path.join(into, file)), { recursive: true })
    cpSync(path.join(root, file), path.join(into, file))
  }
  for (const { folder } of publishedPackages(root)) {
    const built = path.join(folder, 'dist')
    if (!existsSync(path.join(root, built))) throw new Error(`${folder} is not built`)
    cpSync(path.join(root, built), path.join(into, built), { recursive: true })
  }
  const changeset = dependencyProgram('@changesets/cli', 'changeset', OWN_MODULES)
  await must('changeset version', process.execPath, [changeset, 'version'], into)
  // Everything needed was installed before: packing only has to find the packages beside each other.
  const install = ['install', '--prod', '--offline', '--frozen-lockfile', '--ignore-scripts', '--filter=./packages/*']
  await must('pnpm install', 'pnpm', install, into)
}

async function must(step: string, command: string, args: readonly string[], cwd: string): Promise<void> {
  const outcome = await runProgram(command, args, { cwd, env: { CI: 'true' } })
  if (outcome.code !== 0) throw new Error(`${step}: ${onOneLine(outcome)}`)
}

/**
 * `pnpm release --dry-run` rehearses the next release on this machine; `pnpm release` publishes what `changeset version` has
 * versioned and committed, to the registry npm is configured with. Exit codes: 0 done, 1 failed, 2 wrong use, 3 refused.
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { packPackages, publishPackages } from './packages.ts'
import { rehearseRelease } from './rehearse.ts'

const USAGE = 'usage: pnpm release [--dry-run]\n'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const args = process.argv.slice(2).filter((arg) => arg !== '--')

process.exitCode = await run()

async function run(): Promise<number> {
  if (args.some((arg) => arg !== '--dry-run')) {
    process.stderr.write(USAGE)
    return 2
  }
  try {
    if (args.includes('--dry-run')) {
      await rehearseRelease(root)
      return 0
    }
    const waiting = globSync('.changeset/*.md', { cwd: root }).filter((file) => path.basename(file) !== 'README.md')
    if (waiting.length > 0) {
      process.stderr.write(
        `refused: ${waiting.length} release notes wait; run "pnpm changeset version", review and commit\n`,
      )
      return 3
    }
    await publish()
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

async function publish(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-release-'))
  try {
    const packages = await packPackages(root, folder)
    // Provenance is signed by the build service; elsewhere npm refuses to make it.
    await publishPackages(packages, { cwd: root, provenance: process.env.CI !== undefined })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

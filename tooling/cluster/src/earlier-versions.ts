/** Earlier versions of the control API, one for each schema that this one can upgrade, as the history of the project has them. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
/** Lists the steps of a version with their checksums. */
const MANIFEST = 'migrations/manifest.ts'
/** What a package manager says on a fault fits into this, in bytes. */
const OUTPUT_MAX = 16 * 1024 * 1024

export interface EarlierVersion {
  /** Steps of its schema. */
  readonly schema: number
  readonly commit: string
}

/** The last commit of each earlier schema whose steps are still the first ones of this version, in order of the schemas. */
export function earlierVersions(): readonly EarlierVersion[] {
  const current = stepsAt('HEAD')
  const found = new Map<number, EarlierVersion>()
  for (const changed of git('log', '--format=%H', '--', MANIFEST).split('\n')) {
    const commit = `${changed}^`
    const steps = stepsAt(commit)
    const isEarlier = steps.length > 0 && steps.length < current.length
    if (!isEarlier || found.has(steps.length) || steps.join() !== current.slice(0, steps.length).join()) continue
    found.set(steps.length, { schema: steps.length, commit: git('rev-parse', commit) })
  }
  return [...found.values()].sort((a, b) => a.schema - b.schema)
}

/** A version's sources with what they depend on, in a folder that is gone afterwards. */
export function checkOut({ commit }: EarlierVersion): { readonly app: string } & Disposable {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'iron-earlier-')), 'sources')
  const remove = (): void => {
    git('worktree', 'remove', '--force', folder)
    rmSync(path.dirname(folder), { recursive: true, force: true })
  }
  git('worktree', 'add', '--quiet', '--detach', folder, commit)
  try {
    run('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--filter', '@iron/control-api...'], folder)
  } catch (error) {
    remove()
    throw error
  }
  return { app: path.join(folder, 'apps', 'control-api'), [Symbol.dispose]: remove }
}

/** Checksums of the steps that a commit ships; none when it ships no manifest. */
function stepsAt(commit: string): readonly string[] {
  if (git('ls-tree', '--name-only', commit, '--', MANIFEST) === '') return []
  return [...git('show', `${commit}:${MANIFEST}`).matchAll(/checksum: '([0-9a-f]{64})'/g)].map(([, sum = '']) => sum)
}

function git(...args: readonly string[]): string {
  return run('git', args, root).trim()
}

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: OUTPUT_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

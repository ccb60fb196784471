/**
 * Looks at each package as it would be published, not as it lies in the repository: publint and "are the types wrong" on
 * the tarball, nothing of the workspace left in its manifest, every entry point and README and LICENSE inside. Needs
 * `dist`.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { dependencyProgram } from './dependency.ts'
import type { Check, Finding } from './finding.ts'
import { listTarball, packMember, readFromTarball } from './pack.ts'
import { onOneLine, runProgram } from './run-program.ts'
import { type Manifest, type Member, publishedPackages } from './workspace.ts'

export const checkPacked: Check = async (root) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-packed-'))
  const findings: Finding[] = []
  try {
    for (const member of publishedPackages(root)) {
      const faults = await packedFaults(root, member, folder)
      findings.push(...faults.map((text) => ({ rule: 'packed', where: member.folder, text })))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return findings
}

async function packedFaults(root: string, { folder }: Member, into: string): Promise<string[]> {
  if (!existsSync(path.join(root, folder, 'dist'))) return ['is not built']
  return tarballFaults(await packMember(path.join(root, folder), into))
}

/** Bytes of a tarball: the largest package, which has Kysely in it, has five sixths of that. */
const TARBALL_BYTES_MAX = 200_000

/** What is wrong with a tarball that is to be published; nothing when it is sound. */
export async function tarballFaults(tarball: string): Promise<string[]> {
  const into = path.dirname(tarball)
  const files = await listTarball(tarball)
  const bytes = statSync(tarball).size
  const manifest = JSON.parse(await readFromTarball(tarball, 'package.json')) as Manifest
  const faults = [
    ...['README.md', 'LICENSE'].filter((file) => !files.includes(file)).map((file) => `the tarball has no ${file}`),
    ...files
      .filter((file) => /^(src|test)\/|\.test\.|\.tsbuildinfo$/.test(file))
      .map((file) => `the tarball has ${file}`),
    ...manifestFaults(manifest, files),
    ...(bytes > TARBALL_BYTES_MAX ? [`the tarball has ${bytes} bytes, more than ${TARBALL_BYTES_MAX}`] : []),
  ]
  for (const file of files.filter((each) => each.endsWith('.d.ts'))) {
    const text = await readFromTarball(tarball, file)
    if (/\b(?:Async)?Disposable\b/.test(text) && !text.startsWith('/// <reference lib="esnext.disposable" />'))
      faults.push(`${file} names Disposable and no lib that has it`)
  }
  const run = async (name: string, file: string, ...args: string[]): Promise<void> => {
    const outcome = await runProgram(process.execPath, [file, ...args], { cwd: into, env: { NO_COLOR: '1' } })
    if (outcome.code !== 0) faults.push(`${name}: ${onOneLine(outcome)}`)
  }
  await run('publint', dependencyProgram('publint'), 'run', tarball, '--strict')
  await run(
    'attw',
    dependencyProgram('@arethetypeswrong/cli', 'attw'),
    tarball,
    '--profile',
    'esm-only',
    '--no-definitely-typed',
  )
  return faults
}

function manifestFaults(manifest: Manifest, files: readonly string[]): string[] {
  const faults: string[] = []
  const text = JSON.stringify({ ...manifest, devDependencies: undefined })
  for (const left of ['@iron/source', 'workspace:', 'catalog:']) {
    if (text.includes(left)) faults.push(`the packed package.json still says "${left}"`)
  }
  const targets = Object.values(typeof manifest.exports === 'object' ? manifest.exports : {}).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  for (const target of targets) {
    if (!files.includes(target.replace(/^\.\//, '')))
      faults.push(`exports names ${target}, which is not in the tarball`)
  }
  return faults
}

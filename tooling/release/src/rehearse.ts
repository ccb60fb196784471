/**
 * A whole release without consequences: versions in a copy of the repository, packs, checks the tarballs, publishes them to a
 * registry of our own, and then is a stranger: installs one package by its name from there and runs its README's examples.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { packByNpm, readFromTarball } from '@iron/checks/pack'
import { examplesOf, runExamples, runsAlone } from '@iron/checks/readme-quickstarts'
import { startLocalRegistry } from './local-registry.ts'
import { type PackedPackage, packPackages, publishPackages } from './packages.ts'
import { makeVersionedCopy } from './versioned-copy.ts'

/** The package the stranger wants: it needs the most of ours and a native dependency. */
const WANTED = { name: '@iron/token-manager', folder: 'packages/token-manager' }

/** @returns what was published to the local registry @throws Error naming what went wrong */
export async function rehearseRelease(root: string): Promise<readonly PackedPackage[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-release-'))
  try {
    const copy = path.join(folder, 'copy')
    mkdirSync(copy)
    await makeVersionedCopy(root, copy)
    const packages = await packPackages(copy, path.join(folder, 'tarballs'))
    await mustBePackedAlikeByNpm(packages, copy, path.join(folder, 'by-npm'))
    await using registry = await startLocalRegistry(path.join(folder, 'registry'))
    await publishPackages(packages, { cwd: folder, npmConfig: registry.npmConfig, provenance: false })
    const readme = readFileSync(path.join(copy, WANTED.folder, 'README.md'), 'utf8')
    const examples = (examplesOf(readme, WANTED.name) ?? []).filter(runsAlone)
    if (examples.length === 0) throw new Error(`the README of ${WANTED.name} has no example that needs nothing else`)
    const fault = await runExamples(examples, [WANTED.name], path.join(folder, 'stranger'), {
      npmEnv: { npm_config_userconfig: registry.npmConfig },
    })
    if (fault !== undefined) throw new Error(`a stranger with ${WANTED.name}: ${fault}`)
    process.stdout.write(`installed ${WANTED.name} from there; ${examples.length} examples of its README run\n`)
    return packages
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Somebody who packs {@link WANTED} with npm, which does not know how versions are written here, gets what is published. */
async function mustBePackedAlikeByNpm(packages: readonly PackedPackage[], copy: string, into: string): Promise<void> {
  const folder = path.join(copy, WANTED.folder)
  const own = readFileSync(path.join(folder, 'package.json'), 'utf8')
  const published = packages.find(({ name }) => name === WANTED.name)?.tarball ?? ''
  const [one, other] = await Promise.all([
    readFromTarball(published, 'package.json'),
    packByNpm(folder, into).then((tarball) => readFromTarball(tarball, 'package.json')),
  ])
  if (withoutScripts(one) !== withoutScripts(other))
    throw new Error(`npm packs ${WANTED.name} with another manifest than pnpm`)
  if (readFileSync(path.join(folder, 'package.json'), 'utf8') !== own)
    throw new Error(`npm pack leaves ${WANTED.folder}/package.json changed`)
}

/** Those that put the manifest back stay in what npm packs; nobody runs them there. */
function withoutScripts(manifest: string): string {
  return JSON.stringify({ ...(JSON.parse(manifest) as object), scripts: undefined })
}

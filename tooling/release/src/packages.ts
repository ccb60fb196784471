/** The tarballs of a release: packed once, looked at, and published exactly as they were looked at. */
import { statSync } from 'node:fs'
import path from 'node:path'
import { packMember } from '@iron/checks/pack'
import { tarballFaults } from '@iron/checks/packed'
import { onOneLine, runProgram } from '@iron/checks/run-program'
import { publishedPackages, withOwnDependencies } from '@iron/checks/workspace'

export interface PackedPackage {
  readonly name: string
  readonly version: string
  readonly tarball: string
  /** Of ours, those it needs at run time. */
  readonly needs: readonly string[]
}

/** Every published package of a repository as a sound tarball; what others need comes first. @throws Error listing all faults */
export async function packPackages(root: string, into: string): Promise<PackedPackage[]> {
  const members = publishedPackages(root)
  const faults: string[] = []
  const packed: PackedPackage[] = []
  for (const member of members) {
    const { name, version } = member.manifest as { name: string; version?: unknown }
    const tarball = await packMember(path.join(root, member.folder), into)
    faults.push(...(await tarballFaults(tarball)).map((fault) => `${name}: ${fault}`))
    const needs = withOwnDependencies(member, members).flatMap(({ manifest }) =>
      manifest.name === name ? [] : [manifest.name],
    )
    packed.push({ name, version: String(version), tarball, needs })
  }
  if (faults.length > 0) throw new Error(`not fit to be published:\n${faults.join('\n')}`)
  // A package needs fewer of ours than any that needs it.
  return packed.sort((one, other) => one.needs.length - other.needs.length)
}

/** Publishes what the registry does not have yet, so that a release that broke off can be run again. */
export async function publishPackages(
  packages: readonly PackedPackage[],
  { cwd, npmConfig, provenance }: { readonly cwd: string; readonly npmConfig?: string; readonly provenance: boolean },
): Promise<void> {
  const env = npmConfig === undefined ? {} : { npm_config_userconfig: npmConfig }
  for (const { name, version, tarball } of packages) {
    const known = await runProgram('npm', ['view', `${name}@${version}`, 'version', '--prefer-online'], { cwd, env })
    if (known.code === 0 && known.stdout.trim() === version) {
      process.stdout.write(`${name}@${version} is published already\n`)
      continue
    }
    const args = ['publish', tarball, '--access', 'public', '--loglevel=error', ...(provenance ? ['--provenance'] : [])]
    const outcome = await runProgram('npm', args, { cwd, env })
    if (outcome.code !== 0) throw new Error(`npm publish ${name}@${version}: ${onOneLine(outcome)}`)
    process.stdout.write(`${name}@${version} published, ${(statSync(tarball).size / 1000).toFixed(1)} kB\n`)
  }
}

/**
 * The members of the workspace and their manifests, read as they stand on disk.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'

export type ExportConditions = Readonly<Record<string, string>>

export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, ExportConditions | string>> | string
  readonly publishConfig?: {
    readonly access?: string
    readonly exports?: Readonly<Record<string, ExportConditions | string>>
  }
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

export interface Member {
  /** Relative to the root, with `/`. */
  readonly folder: string
  readonly manifest: Manifest
}

const MEMBERS = ['migrations', 'packages/*', 'apps/*', 'apps/examples/*', 'tooling/*']

/** Every member of the workspace, by folder. */
export function workspaceMembers(root: string): Member[] {
  return globSync(MEMBERS, { cwd: root })
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')))
    .map((folder) => ({
      folder: folder.replaceAll('\\', '/'),
      manifest: JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest,
    }))
    .sort((one, other) => (one.folder < other.folder ? -1 : 1))
}

/** The members that are published to a registry. */
export function publishedPackages(root: string): Member[] {
  return workspaceMembers(root).filter(({ manifest }) => manifest.private !== true)
}

/** A published package and those of ours it needs at run time, directly or not, itself first. */
export function withOwnDependencies(member: Member, all: readonly Member[]): Member[] {
  const closure = new Set<Member>([member])
  for (const each of closure) {
    for (const name of Object.keys(each.manifest.dependencies ?? {})) {
      const own = all.find(({ manifest }) => manifest.name === name)
      if (own !== undefined) closure.add(own)
    }
  }
  return [...closure]
}

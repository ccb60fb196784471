/** What a member of the workspace depends on, bundled for Jest, which finds, reads and links every module anew for each suite. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { bundleAll, cacheBeside } from './bundle.ts'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly exports?: string | Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

/** Of some hundred modules each, and imported by members. */
const OTHERS = ['typebox']

/**
 * Bundles what a member imports of this repository, and TypeBox. No such dependency may import the member itself.
 *
 * @param member its folder, absolute
 * @returns Jest's `moduleNameMapper`
 */
export async function bundleDependencies(member: string): Promise<Record<string, string>> {
  const { dependencies, devDependencies } = manifestOf(member)
  const names = Object.keys({ ...dependencies, ...devDependencies })
  const specifiers = names.flatMap((name) => {
    if (OTHERS.includes(name)) return [name]
    return name.startsWith('@iron/') ? entriesOf(name, manifestOf(path.join(member, 'node_modules', name))) : []
  })
  const fileOf = (specifier: string): string => specifier.replaceAll(/\W+/g, '-')
  const entries = Object.fromEntries(specifiers.map((specifier) => [fileOf(specifier), specifier]))
  const cache = cacheBeside(path.join(member, 'package.json'))
  const folder = await bundleAll(entries, { key: 'dependencies', cache, from: member })
  return Object.fromEntries(
    specifiers.map((specifier) => [`^${specifier}$`, path.join(folder, `${fileOf(specifier)}.js`)]),
  )
}

/** What can be imported of a package that has sources. */
function entriesOf(name: string, { exports = {} }: Manifest): string[] {
  if (typeof exports === 'string') return []
  return Object.entries(exports)
    .filter(([, target]) => (typeof target === 'string' ? target : target['@iron/source'])?.endsWith('.ts'))
    .map(([subpath]) => path.posix.join(name, subpath))
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest
}

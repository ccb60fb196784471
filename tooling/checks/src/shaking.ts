/**
 * A bundler keeps of a package only what a program uses: bundled by esbuild, an import that uses nothing leaves nothing, and
 * of a large package the smallest export leaves at most half. A side effect at the top of a module would break both.
 * Needs `dist`.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { Check, Finding } from './finding.ts'
import { publishedPackages } from './workspace.ts'

/** Below this an entry point may hold one thing only. */
const LARGE_BYTES = 20_000
const SMALLEST_SHARE_MAX = 0.5

export const checkShaking: Check = async (root) => {
  const findings: Finding[] = []
  for (const { folder, manifest } of publishedPackages(root)) {
    for (const target of Object.values(manifest.publishConfig?.exports ?? {})) {
      if (typeof target === 'string' || target.default === undefined) continue
      const faults = await shakingFaults(path.join(root, folder, target.default))
      findings.push(...faults.map((text) => ({ rule: 'shaking', where: `${folder} ${target.default}`, text })))
    }
  }
  return findings
}

/** What of this module a bundler could not drop. */
export async function shakingFaults(file: string): Promise<string[]> {
  if (!existsSync(file)) return ['is not built']
  const source = JSON.stringify(file)
  const unused = await bundledBytes(`import * as everything from ${source}`)
  if (unused > 0) return [`an import that uses nothing leaves ${unused} bytes`]
  const whole = await bundledBytes(`export * from ${source}`)
  if (whole < LARGE_BYTES) return []
  const names = Object.keys((await import(pathToFileURL(file).href)) as object)
  const sizes = await Promise.all(names.map((name) => bundledBytes(`export { ${name} } from ${source}`)))
  const smallest = Math.min(...sizes)
  if (smallest <= whole * SMALLEST_SHARE_MAX) return []
  return [`its smallest export leaves ${smallest} of ${whole} bytes`]
}

async function bundledBytes(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    minify: true,
    logLevel: 'silent',
  })
  return outputFiles[0]?.contents.length ?? 0
}

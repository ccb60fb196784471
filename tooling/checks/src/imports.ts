/**
 * Importing a package starts nothing (OPS-17): each built entry point is imported by a process of its own, which must
 * come to its end by itself and must not have begun a timer, socket, worker or process, nor have read the environment or
 * a file. Reads by other people's packages are theirs and are not counted; what they begin is. CommonJS gets the same from
 * `require()`. Needs `dist`.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Check, Finding } from './finding.ts'
import { onOneLine, runProgram } from './run-program.ts'
import { publishedPackages } from './workspace.ts'

const probe = fileURLToPath(new URL('./import-probe.mjs', import.meta.url))
/** An import takes well under a second; a process that is still there then waits for something. */
const END_WITHIN_MS = 10_000

export const checkImports: Check = async (root) => {
  const findings: Finding[] = []
  for (const { folder, manifest } of publishedPackages(root)) {
    const targets = Object.values(manifest.publishConfig?.exports ?? {}).flatMap((target) =>
      typeof target === 'string' ? [] : [target.default ?? ''],
    )
    for (const target of targets) {
      const file = path.join(root, folder, target)
      for (const text of await importFaults(file, path.join(root, folder, 'dist'))) {
        findings.push({ rule: 'import', where: `${folder} ${target}`, text })
      }
      const fault = await requireFault(file)
      if (fault !== undefined) findings.push({ rule: 'require', where: `${folder} ${target}`, text: fault })
    }
  }
  return findings
}

/** What importing this file does besides defining things. @param ownFolder whose reads count */
export async function importFaults(file: string, ownFolder: string): Promise<string[]> {
  if (!existsSync(file)) return ['is not built']
  const outcome = await runProgram(process.execPath, [probe, file, ownFolder], {
    cwd: path.dirname(file),
    timeoutMs: END_WITHIN_MS,
  })
  let faults: string[]
  try {
    faults = JSON.parse(outcome.stdout) as string[]
  } catch {
    faults = [`says nothing: ${outcome.stderr}`]
  }
  if (outcome.code === 124) faults.push(`keeps the process alive: it was still there after ${END_WITHIN_MS} ms`)
  else if (outcome.code !== 0) faults.push(`ends with exit code ${outcome.code}`)
  return faults
}

const REQUIRE = `
const required = Object.keys(require(process.argv[1])).sort().join()
import(require('node:url').pathToFileURL(process.argv[1])).then((imported) => {
  const names = Object.keys(imported).sort().join()
  if (names === '' || names !== required) throw new Error('require gives ' + required + ', import ' + names)
})`

/** Why CommonJS cannot use this file as ESM does, if it cannot; a top-level await would be a reason. */
export async function requireFault(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return 'is not built'
  const outcome = await runProgram(process.execPath, ['--input-type=commonjs', '--eval', REQUIRE, file], {
    cwd: path.dirname(file),
    timeoutMs: END_WITHIN_MS,
  })
  return outcome.code === 0 ? undefined : onOneLine(outcome)
}

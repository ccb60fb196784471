/**
 * Imports point one way (design 2, OPS-23). `turbo boundaries` checks the tags of turbo.json along every import and
 * dependency; what tags cannot say is checked here: only `@iron/database` knows the schema's history (rulings R4), pure
 * packages import none of ours, and a published package needs no private one at run time.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { dependencyProgram } from './dependency.ts'
import type { Check, Finding } from './finding.ts'
import { onOneLine, runProgram } from './run-program.ts'
import { type Member, workspaceMembers } from './workspace.ts'

const MIGRATIONS = '@iron/migrations'
const MIGRATIONS_USER = '@iron/database'

/** Runs turbo on a workspace, without telemetry and without a daemon that outlives it. */
export function runTurbo(root: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return runProgram(process.execPath, [dependencyProgram('turbo'), ...args], {
    cwd: root,
    env: { ...env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
  })
}

export const checkBoundaries: Check = async (root) => {
  const members = workspaceMembers(root)
  const findings = members.flatMap((member) => dependencyFaults(root, member, members))
  const turbo = await runTurbo(root, ['boundaries', '--no-color'])
  if (turbo.code !== 0) findings.push({ rule: 'boundaries', where: 'turbo boundaries', text: onOneLine(turbo) })
  return findings
}

function dependencyFaults(root: string, { folder, manifest }: Member, members: readonly Member[]): Finding[] {
  const findings: Finding[] = []
  const fault = (text: string): void => void findings.push({ rule: 'boundaries', where: folder, text })
  const runtime = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  const named = [...runtime, ...Object.keys(manifest.devDependencies ?? {})]
  if (named.includes(MIGRATIONS) && manifest.name !== MIGRATIONS_USER) {
    fault(`depends on ${MIGRATIONS}, which only ${MIGRATIONS_USER} may`)
  }
  for (const name of runtime) {
    const own = members.find((member) => member.manifest.name === name)
    if (own === undefined) continue
    if (tags(root, folder).includes('pure')) fault(`is pure and yet depends on ${name}`)
    if (manifest.private !== true && own.manifest.private === true) {
      fault(`is published and needs the private ${name} at run time`)
    }
  }
  if (tags(root, folder).length !== 1) fault('needs exactly one layer tag in its turbo.json')
  return findings
}

function tags(root: string, folder: string): readonly string[] {
  try {
    const file = readFileSync(path.join(root, folder, 'turbo.json'), 'utf8')
    return (JSON.parse(file) as { tags?: string[] }).tags ?? []
  } catch {
    return []
  }
}

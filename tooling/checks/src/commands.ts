/**
 * No document and no workflow tells a reader to run what does not exist: `pnpm <script>` is a script of the root, and with
 * `--filter <member>` one of that member.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Check, Finding } from './finding.ts'
import { trackedFiles } from './tracked-files.ts'
import { type Manifest, workspaceMembers } from './workspace.ts'

const READ = /\.md$|^\.github\/.*\.ya?ml$/
/** Code in a document: a fenced block or a span. */
const CODE = /^(`{3,}|~{3,})[^]*?^\1|`[^`\n]+`/gm
const COMMAND = /\bpnpm(?:@\d+)?((?: +--(?:filter|silent|recursive|if-present)(?: +@[\w/-]+)?)*) +([a-z][\w:-]*)/g
const FILTER = /--filter +(@[\w/-]+)/
/** Commands of pnpm itself, and the one program that the root brings. */
const NO_SCRIPTS = new Set(['install', 'deploy', 'add', 'exec', 'pack', 'changeset'])

export const checkCommands: Check = async (root) => {
  const scripts = new Map(workspaceMembers(root).map(({ manifest }) => [manifest.name, scriptsOf(manifest)]))
  const rootManifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Manifest
  const findings: Finding[] = []
  for (const file of (await trackedFiles(root)).filter((each) => READ.test(each))) {
    const text = await readFile(path.join(root, file), 'utf8')
    const shown = file.endsWith('.md') ? Array.from(text.matchAll(CODE)) : [Object.assign([text], { index: 0 })]
    for (const { 0: code = '', index } of shown) {
      for (const match of code.matchAll(COMMAND)) {
        const [command, flags = '', script = ''] = match
        const member = FILTER.exec(flags)?.[1]
        const known = member === undefined ? scriptsOf(rootManifest) : scripts.get(member)
        if (NO_SCRIPTS.has(script) || known?.has(script) === true) continue
        const line = text.slice(0, index + match.index).split('\n').length
        const fault = known === undefined ? `there is no ${member}` : `${member ?? 'the root'} has no script ${script}`
        findings.push({ rule: 'commands', where: `${file}:${line}`, text: `${command}: ${fault}` })
      }
    }
  }
  return findings
}

const scriptsOf = (manifest: Manifest): ReadonlySet<string> => new Set(Object.keys(manifest.scripts ?? {}))

/**
 * Runs checks of the repository: `node src/main.ts [name…]`, all quick ones without a name. Prints one line a finding (rule,
 * place, text) and a summary. Exit codes: 0 clean, 1 findings, 2 an unknown name.
 */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkBoundaries } from './boundaries.ts'
import { checkCommands } from './commands.ts'
import { checkDeployment } from './deployment.ts'
import { checkEnvironment } from './environment.ts'
import { checkErrorCodes } from './error-codes.ts'
import { checkExpressions } from './expressions.ts'
import type { Check } from './finding.ts'
import { checkImports } from './imports.ts'
import { checkLinks } from './links.ts'
import { checkNamedExports } from './named-exports.ts'
import { checkPacked } from './packed.ts'
import { checkNodes, checkQuickstarts } from './readme-quickstarts.ts'
import { checkShaking } from './shaking.ts'
import { checkSkeletons } from './skeleton.ts'
import { checkTopLevel } from './top-level.ts'
import { checkTrackedText } from './tracked-text.ts'
import { checkUnused } from './unused.ts'
import { checkVariables } from './variables.ts'

/** Those of `static` need no build; `packages` reads what `pnpm build` made; `quickstarts` and `nodes` install
 * from the registry. Without a name, `nodes` is left out: it takes minutes. */
const CHECKS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  static: {
    'top-level': checkTopLevel,
    'tracked-text': checkTrackedText,
    links: checkLinks,
    commands: checkCommands,
    'error-codes': checkErrorCodes,
    'named-exports': checkNamedExports,
    variables: checkVariables,
    skeleton: checkSkeletons,
    boundaries: checkBoundaries,
    environment: checkEnvironment,
    unused: checkUnused,
    deployment: checkDeployment,
    expressions: checkExpressions,
  },
  packages: { packed: checkPacked, imports: checkImports, shaking: checkShaking },
  quickstarts: { 'readme-quickstarts': checkQuickstarts },
  nodes: { nodes: checkNodes },
}

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const wanted = process.argv.slice(2)
const every = Object.entries(CHECKS).flatMap(([group, checks]) =>
  Object.entries(checks).map(([name, check]) => ({ group, name, check })),
)
const unknown = wanted.filter((word) => !every.some(({ group, name }) => word === group || word === name))
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; there are ${every.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}

let count = 0
for (const { group, name, check } of every) {
  if (wanted.length === 0 ? group === 'nodes' : !wanted.includes(group) && !wanted.includes(name)) continue
  const startedMs = performance.now()
  const findings = await check(root)
  for (const { rule, where, text } of findings) process.stdout.write(`${rule}  ${where}  ${text}\n`)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  process.stdout.write(
    `check ${name}: ${findings.length === 0 ? 'clean' : `${findings.length} found`} (${seconds} s)\n`,
  )
  count += findings.length
}
process.exit(count === 0 ? 0 : 1)

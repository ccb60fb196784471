/**
 * Each packed package, installed with npm into an empty project, type-checks and runs the examples of its README (OPS-18),
 * the quick start first: what a stranger does first. A package comes with those of ours it depends on, and with nothing else: neither
 * optional peers nor anything of the workspace. Examples that import others, an optional peer or a client, run after them, in the
 * same project with those added. Needs `dist` and a package registry.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { dependencyFolder, dependencyProgram } from './dependency.ts'
import type { Check, Finding } from './finding.ts'
import { packMember } from './pack.ts'
import { onOneLine, runProgram } from './run-program.ts'
import { type Member, publishedPackages, withOwnDependencies } from './workspace.ts'

const RUN_WITHIN_MS = 60_000

/** The oldest that packages support, the one the server runs on, the newest. */
const NODE_VERSIONS = ['22.14.0', '24', '26']
/** From here on Node runs TypeScript and knows `using`; before, examples run as TypeScript's compiler leaves them. */
const RUNS_TYPESCRIPT = 24
const COMPILED = 'compiled'

/** The one that a stranger gets who installs `typescript` today. */
const COMPILER = dependencyProgram('typescript-native', 'tsc', new URL('../../../node_modules', import.meta.url))

/** As strict as a careful user's project, declarations of dependencies included. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    outDir: COMPILED,
  },
  include: ['example-*.ts'],
}

export const checkQuickstarts: Check = (root) => checkExamples(root, [process.execPath])

/** The same on each Node that published packages support, the oldest and the newest among them. Fetches them from the registry. */
export const checkNodes: Check = async (root) => {
  const programs: string[] = []
  for (const version of NODE_VERSIONS) programs.push(await nodeProgram(version))
  return checkExamples(root, programs)
}

async function nodeProgram(version: string): Promise<string> {
  const args = ['--yes', '--package', `node@${version}`, 'node', '--print', 'process.execPath']
  const outcome = await runProgram('npx', args, { cwd: tmpdir() })
  if (outcome.code !== 0) throw new Error(`Node ${version}: ${onOneLine(outcome)}`)
  return outcome.stdout.trim()
}

async function checkExamples(root: string, nodes: readonly string[]): Promise<Finding[]> {
  const all = publishedPackages(root)
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-quickstarts-'))
  const findings: Finding[] = []
  try {
    const tarballs = new Map<string, string>()
    for (const { folder: member, manifest } of all) {
      tarballs.set(manifest.name, await packMember(path.join(root, member), path.join(folder, 'tarballs')))
    }
    // Half of an installation is waiting: with two at a time the processors are busy.
    const waiting = [...all]
    const work = async (): Promise<void> => {
      for (let member = waiting.shift(); member !== undefined; member = waiting.shift()) {
        const text = await quickstartFault(root, member, all, tarballs, folder, nodes)
        if (text !== undefined) findings.push({ rule: 'quickstart', where: member.folder, text })
      }
    }
    await Promise.all([work(), work()])
  } catch (error) {
    findings.push({ rule: 'quickstart', where: 'pack', text: String(error) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return findings
}

/**
 * The README's programs, in order: a `ts` block that imports the package or a subpath of it, with the `ts` blocks after it that do
 * not and so go on where it ends. Nothing when the first block does not import it.
 *
 * @throws Error when code stands under another name of the language, where nobody would run it
 */
export function examplesOf(readme: string, name: string): readonly string[] | undefined {
  const unseen = /^```(typescript|javascript|js|tsx|jsx|mts)$/m.exec(readme)
  if (unseen !== null) throw new Error(`a ${unseen[1]} block: examples are ts blocks, which are run`)
  const blocks = Array.from(readme.matchAll(/^```ts\n([^]*?)^```/gm), ([, code]) => code ?? '')
  const importsIt = (block: string): boolean => new RegExp(` from '${name}(/[\\w-]+)?'`).test(block)
  const examples: string[] = []
  for (const block of blocks) {
    if (importsIt(block)) examples.push(block)
    else if (examples.length === 0) return undefined
    else examples.push(`${examples.pop() ?? ''}\n${block}`)
  }
  return examples.length > 0 ? examples : undefined
}

/** Whether a project that installed nothing but the package can run an example. */
export function runsAlone(example: string): boolean {
  return othersImportedBy(example).length === 0
}

/** What an example imports that neither comes with our packages nor with Node. */
function othersImportedBy(example: string): string[] {
  const specifiers = Array.from(example.matchAll(/ from '((?:@[\w-]+\/)?[\w-]+)[^']*'/g), ([, name]) => name ?? '')
  return specifiers.filter((name) => name !== '' && name !== 'node' && !name.startsWith('@iron/'))
}

/** Those of the versions the workspace has, with their types. */
function asInstalledIn(memberFolder: string, names: readonly string[]): string[] {
  return names
    .flatMap((name) => [name, `@types/${name}`])
    .flatMap((name) => {
      const manifest = path.join(memberFolder, 'node_modules', name, 'package.json')
      if (!existsSync(manifest)) return []
      const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
      return [`${name}@${version}`]
    })
}

/** A line that says `// throws CODE` must throw an error of that code; all others must not throw. */
export function withExpectedThrows(code: string): string {
  return code.replaceAll(
    /^(\S.*?)[ \t]*\/\/ throws ([A-Z_]+)$/gm,
    (_, statement: string, expected: string) => `{
  let thrown: unknown
  try { ${statement} } catch (error) { thrown = (error as { code?: unknown }).code }
  if (thrown !== '${expected}') throw new Error('expected ${expected}, got ' + String(thrown))
}`,
  )
}

async function quickstartFault(
  root: string,
  member: Member,
  all: readonly Member[],
  tarballs: ReadonlyMap<string, string>,
  into: string,
  nodes: readonly string[],
): Promise<string | undefined> {
  const { name } = member.manifest
  const memberFolder = path.join(root, member.folder)
  const examples = examplesOf(readFileSync(path.join(memberFolder, 'README.md'), 'utf8'), name)
  if (examples === undefined) return `README.md's first ts block does not import ${name}`
  const needed = withOwnDependencies(member, all).map(({ manifest }) => tarballs.get(manifest.name) ?? '')
  const project = path.join(into, path.basename(member.folder))
  const alone = examples.filter(runsAlone)
  const fault = await runExamples(alone, needed, project, { nodes })
  if (fault !== undefined) return fault
  const composed = examples.filter((example) => !alone.includes(example))
  if (composed.length === 0) return undefined
  const others = asInstalledIn(memberFolder, [...new Set(composed.flatMap(othersImportedBy))])
  return runExamples(composed, others, project, { nodes })
}

/**
 * Installs packages (tarballs or names; none: what is there will do) into a project, a new one where there is none, type-checks and
 * runs examples, one after the other; the first thing that went wrong, if any.
 */
export async function runExamples(
  examples: readonly string[],
  packages: readonly string[],
  project: string,
  options: { readonly nodes?: readonly string[]; readonly npmEnv?: Readonly<Record<string, string>> } = {},
): Promise<string | undefined> {
  if (!existsSync(project)) {
    mkdirSync(project, { recursive: true })
    const manifest = { name: 'stranger', private: true, type: 'module' }
    writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest))
  }
  writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  const files = examples.map((_, index) => `example-${index + 1}.ts`)
  for (const [index, file] of files.entries()) {
    writeFileSync(path.join(project, file), withExpectedThrows(examples[index] ?? ''))
  }
  if (packages.length > 0) {
    const fault = await install(packages, project, options.npmEnv ?? {})
    if (fault !== undefined) return fault
  }
  const types = await runProgram(process.execPath, [COMPILER, '-p', project, '--pretty', 'false'], { cwd: project })
  if (types.code !== 0) return `type check: ${onOneLine(types)}`
  for (const node of options.nodes ?? [process.execPath]) {
    const { stdout: major } = await runProgram(node, ['--print', "process.versions.node.split('.')[0]"], {
      cwd: project,
    })
    const compiled = Number(major) < RUNS_TYPESCRIPT
    const before = new Set(readdirSync(project))
    for (const file of files) {
      const program = compiled ? path.join(COMPILED, file.replace(/ts$/, 'js')) : file
      const run = await runProgram(node, [program], { cwd: project, timeoutMs: RUN_WITHIN_MS })
      if (run.code !== 0) return `run: ${file}: Node ${major.trim()}: exit code ${run.code}: ${onOneLine(run)}`
    }
    // The databases that examples made are not there for whoever runs them next.
    for (const made of readdirSync(project).filter((name) => !before.has(name)))
      rmSync(path.join(project, made), { recursive: true })
  }
  return undefined
}

/** Installs packages as a stranger does, and Node's types. What went wrong, if anything. */
async function install(
  packages: readonly string[],
  project: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...packages]
  const outcome = await runProgram('npm', args, { cwd: project, env })
  if (outcome.code !== 0) return `npm install: ${onOneLine(outcome)}`
  // Only types, and only Node's: put beside the installed packages so that nothing else of the workspace is in reach.
  const nodeTypes = dependencyFolder('@types/node')
  const undiciTypes = path.dirname(
    createRequire(path.join(nodeTypes, 'package.json')).resolve('undici-types/package.json'),
  )
  const copy = { recursive: true, dereference: true }
  cpSync(nodeTypes, path.join(project, 'node_modules', '@types', 'node'), copy)
  cpSync(undiciTypes, path.join(project, 'node_modules', 'undici-types'), copy)
  return undefined
}

/**
 * Every published package has the same skeleton (style.md, from honojs/middleware): who knows one knows all. Files that
 * need not differ are the same bytes; the manifest's common fields are equal; the public entry points are named
 * re-exports only.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import ts from 'typescript'
import type { Check, Finding } from './finding.ts'
import { type ExportConditions, type Manifest, type Member, publishedPackages } from './workspace.ts'

const FILES = ['README.md', 'LICENSE', 'turbo.json', 'tsup.config.ts', 'src/index.ts', 'test']
/** One line each, all the same. */
const SAME_FILES: Readonly<Record<string, string>> = {
  'eslint.config.js': "export { default } from '@iron/eslint-config'\n",
  'jest.config.js': "export { default } from '@iron/jest-config'\n",
}
const SAME_FIELDS: Readonly<Record<string, unknown>> = {
  license: 'Apache-2.0',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=22.14' },
  files: ['dist', 'README.md', 'LICENSE'],
  scripts: {
    build: 'tsup',
    'build:js': 'tsup --no-dts',
    'build:types': 'tsup --dts-only',
    prepack: 'node ../../tooling/dev/prepack.mjs',
    postpack: 'node ../../tooling/dev/postpack.mjs',
    test: 'iron-jest',
    typecheck: 'tsc -p tsconfig.json',
    lint: 'eslint .',
  },
}

export const checkSkeletons: Check = (root) =>
  Promise.resolve(publishedPackages(root).flatMap((member) => skeletonFaults(root, member)))

function skeletonFaults(root: string, { folder, manifest }: Member): Finding[] {
  const faults: string[] = []
  const at = (file: string): string => path.join(root, folder, file)
  const read = (file: string): string | undefined => (existsSync(at(file)) ? readFileSync(at(file), 'utf8') : undefined)
  faults.push(...FILES.filter((file) => !existsSync(at(file))).map((file) => `has no ${file}`))
  for (const [file, content] of Object.entries(SAME_FILES)) {
    if (read(file) !== content) faults.push(`${file} differs from the other packages'`)
  }
  if (read('LICENSE') !== readFileSync(path.join(root, 'LICENSE'), 'utf8')) faults.push('LICENSE is not the root one')
  const base = (JSON.parse(read('tsconfig.json') ?? '{}') as { extends?: string }).extends
  if (base !== '@iron/tsconfig/library.json') faults.push('tsconfig.json does not extend @iron/tsconfig/library.json')
  const title = `# ${manifest.name}`
  if (read('README.md')?.split('\n')[0] !== title) faults.push(`README.md does not open with "${title}"`)
  if (manifest.name !== `@iron/${path.basename(folder)}`) faults.push(`is named ${manifest.name}`)
  for (const [field, value] of Object.entries(SAME_FIELDS)) {
    if (!isDeepStrictEqual(manifest[field], value))
      faults.push(`package.json: ${field} is not ${JSON.stringify(value)}`)
  }
  for (const field of ['description', 'keywords']) {
    if (manifest[field] === undefined) faults.push(`package.json: ${field} is missing`)
  }
  const { directory } = (manifest.repository ?? {}) as { directory?: string }
  if (directory !== folder) faults.push('package.json: repository.directory is not its folder')
  faults.push(...exportFaults(manifest))
  for (const entry of sourceEntries(manifest)) {
    const source = read(entry)
    if (source === undefined) faults.push(`${entry} is exported but missing`)
    else if (entry === 'src/index.ts' && !onlyNamedReExports(source))
      faults.push(`${entry} holds more than named re-exports`)
    else faults.push(...bareClasses(source, (file) => read(path.join(path.dirname(entry), file))))
  }
  return faults.map((text) => ({ rule: 'skeleton', where: folder, text }))
}

/** Sources under `@iron/source` first, and the same map without that condition for the registry. */
function exportFaults({ exports, publishConfig }: Manifest): string[] {
  if (exports === undefined || typeof exports === 'string') return ['package.json: exports is not a map']
  const faults: string[] = []
  const published: Record<string, ExportConditions | string> = {}
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') {
      published[subpath] = target
      continue
    }
    const { '@iron/source': source, ...rest } = target
    if (source === undefined || Object.keys(target)[0] !== '@iron/source') {
      faults.push(`package.json: exports["${subpath}"] does not begin with @iron/source`)
    }
    published[subpath] = rest
  }
  if (exports['./package.json'] !== './package.json') faults.push('package.json: exports lacks ./package.json')
  if (!isDeepStrictEqual(publishConfig?.exports, published)) {
    faults.push('package.json: publishConfig.exports is not exports without @iron/source')
  }
  if (publishConfig?.access !== 'public') faults.push('package.json: publishConfig.access is not public')
  return faults
}

function sourceEntries({ exports }: Manifest): string[] {
  if (exports === undefined || typeof exports === 'string') return []
  return Object.values(exports).flatMap((target) => {
    const source = typeof target === 'string' ? undefined : target['@iron/source']
    return source === undefined ? [] : [source.replace(/^\.\//, '')]
  })
}

function onlyNamedReExports(source: string): boolean {
  const file = ts.createSourceFile('index.ts', source, ts.ScriptTarget.Latest)
  return (
    file.statements.length > 0 &&
    file.statements.every(
      (statement) =>
        ts.isExportDeclaration(statement) &&
        statement.moduleSpecifier !== undefined &&
        statement.exportClause !== undefined &&
        ts.isNamedExports(statement.exportClause),
    )
  )
}

/**
 * Classes that an entry hands on without a sentence of their own. What a module says of itself at its top does not reach the
 * declarations that are published, and so no editor shows it.
 */
function bareClasses(entry: string, read: (file: string) => string | undefined): string[] {
  const { statements } = ts.createSourceFile('index.ts', entry, ts.ScriptTarget.Latest)
  return statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) return []
    const clause = statement.exportClause
    if (!ts.isStringLiteral(statement.moduleSpecifier) || clause === undefined || !ts.isNamedExports(clause)) return []
    const names = new Set(clause.elements.map(({ name, propertyName }) => (propertyName ?? name).text))
    const module = ts.createSourceFile(
      'one.ts',
      read(statement.moduleSpecifier.text) ?? '',
      ts.ScriptTarget.Latest,
      true,
    )
    return module.statements
      .filter((declared) => ts.isClassDeclaration(declared) && names.has(declared.name?.text ?? ''))
      .filter((declared) => ts.getJSDocCommentsAndTags(declared).every(({ comment }) => comment === undefined))
      .map(
        (declared) =>
          `the class ${(declared as ts.ClassDeclaration).name?.text ?? ''} has no sentence in its docstring`,
      )
  })
}

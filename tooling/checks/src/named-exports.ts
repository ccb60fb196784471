/** A package's README names every value that the package exports from its index: what is not there nobody finds. Types go with them. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import type { Check } from './finding.ts'
import { publishedPackages } from './workspace.ts'

export const checkNamedExports: Check = async (root) =>
  publishedPackages(root).flatMap(({ folder }) => {
    const index = path.join(root, folder, 'src', 'index.ts')
    if (!existsSync(index)) return []
    const readme = path.join(root, folder, 'README.md')
    const words = new Set(existsSync(readme) ? readFileSync(readme, 'utf8').match(/[\w$]+/g) : [])
    return exportedValues(readFileSync(index, 'utf8'))
      .filter((name) => !words.has(name))
      .map((name) => ({ rule: 'named-exports', where: `${folder}/README.md`, text: `does not name ${name}` }))
  })

/** The names that an index passes on; `*` where it does not say which, or makes something itself. */
function exportedValues(source: string): string[] {
  const names: string[] = []
  const file = ts.createSourceFile('index.ts', source, ts.ScriptTarget.Latest)
  for (const statement of file.statements) {
    if (!ts.isExportDeclaration(statement)) {
      if (!ts.isImportDeclaration(statement)) names.push('*')
      continue
    }
    if (statement.isTypeOnly) continue
    const { exportClause } = statement
    if (exportClause === undefined) names.push('*')
    else if (ts.isNamespaceExport(exportClause)) names.push(exportClause.name.text)
    else names.push(...exportClause.elements.filter((each) => !each.isTypeOnly).map(({ name }) => name.text))
  }
  return names
}

/**
 * A package's README names every error code of the package in its section "Errors", and no code that no package has: what is not
 * there nobody handles.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import type { Check } from './finding.ts'
import { publishedPackages } from './workspace.ts'

const SECTION = /^## Errors\n([^]*?)(?=^## |$(?![^]))/m
const CODE = /`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g

export const checkErrorCodes: Check = async (root) => {
  const packages = publishedPackages(root).map(({ folder }) => {
    const read = (file: string): string => {
      const place = path.join(root, folder, file)
      return existsSync(place) ? readFileSync(place, 'utf8') : ''
    }
    const section = SECTION.exec(read('README.md'))?.[1] ?? ''
    return { folder, codes: codesOf(read('src/errors.ts')), section }
  })
  const all = new Set(packages.flatMap(({ codes }) => codes))
  return packages.flatMap(({ folder, codes, section }) => {
    const named = Array.from(section.matchAll(CODE), ([, code = '']) => code)
    return [
      ...codes.filter((code) => !section.includes(`\`${code}\``)).map((code) => `does not name ${code} under "Errors"`),
      ...named.filter((code) => !all.has(code)).map((code) => `names ${code} under "Errors", which no package has`),
    ].map((text) => ({ rule: 'error-codes', where: `${folder}/README.md`, text }))
  })
}

/** The members of the union `…ErrorCode`. */
function codesOf(source: string): string[] {
  const codes: string[] = []
  const file = ts.createSourceFile('errors.ts', source, ts.ScriptTarget.Latest)
  for (const statement of file.statements) {
    if (!ts.isTypeAliasDeclaration(statement) || !statement.name.text.endsWith('ErrorCode')) continue
    const { type } = statement
    for (const member of ts.isUnionTypeNode(type) ? type.types : [type]) {
      if (ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal)) codes.push(member.literal.text)
    }
  }
  return codes
}

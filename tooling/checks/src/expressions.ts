/**
 * No regular expression of what is shipped takes more than linear time, whatever text it is given (VAL-18). Literals are
 * looked at; the few that are composed at run time are made of constants and read names of models that were cut to length.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { checkSync } from 'recheck'
import ts from 'typescript'
import type { Check, Finding } from './finding.ts'

/** What reads what others send. */
const SOURCES = ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts']
/**
 * How long one expression may be thought about, in milliseconds; what is not decided by then is a finding. The hardest takes
 * seconds, and many times that on a machine that does other things.
 */
const TIMEOUT_MS = 180_000
/** An attack is tens of thousands of characters: a linear search takes a few milliseconds for it, a quadratic one seconds. */
const SLOW_MS = 250

export const checkExpressions: Check = (root) => {
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const file of globSync(SOURCES, { cwd: root })) {
    for (const { text, line } of literalsOf(file, readFileSync(path.join(root, file), 'utf8'))) {
      if (seen.has(text)) continue
      seen.add(text)
      const end = text.lastIndexOf('/')
      const why = faultOf(text.slice(1, end), text.slice(end + 1))
      if (why === undefined) continue
      findings.push({ rule: 'expression', where: `${file}:${line}`, text: `${text} ${why}` })
    }
  }
  return Promise.resolve(findings)
}

/** Why an expression is none to be shipped. */
function faultOf(source: string, flags: string): string | undefined {
  const answer = checkSync(source, flags, { timeout: TIMEOUT_MS, randomSeed: 1 })
  if (answer.status === 'safe') return undefined
  if (answer.status === 'unknown') return 'could not be decided'
  const { complexity, attack } = answer
  // A search counts steps and takes a large constant for growth: what it suspects must also be slow.
  if (complexity.type === 'polynomial' && !isSlow(source, flags, attack.string)) return undefined
  return `${complexity.summary}: ${attack.pattern.slice(0, 100)}`
}

/** The better of two, so that a busy machine makes nothing slow. */
function isSlow(source: string, flags: string, text: string): boolean {
  const expression = new RegExp(source, flags)
  const times = [1, 2].map(() => {
    const began = performance.now()
    text.replace(expression, '')
    return performance.now() - began
  })
  return Math.min(...times) > SLOW_MS
}

function literalsOf(file: string, source: string): { readonly text: string; readonly line: number }[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest)
  const found: { text: string; line: number }[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
      found.push({ text: node.text, line })
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

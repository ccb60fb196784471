/**
 * No tracked text names a package registry's host or a path that exists on one person's machine only: both make a clone
 * behave differently elsewhere.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Check, Finding } from './finding.ts'
import { trackedFiles } from './tracked-files.ts'

interface Pattern {
  readonly rule: string
  readonly pattern: RegExp
  readonly text: string
}

const PATTERNS: readonly Pattern[] = [
  {
    rule: 'registry-host',
    pattern: /registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com/i,
    text: "names a registry's host",
  },
  { rule: 'registry-host', pattern: /^\s*(?:@[\w-]+:)?registry\s*[=:]\s*["']?https?:/im, text: 'sets a registry' },
  { rule: 'registry-host', pattern: /\btarball:\s*["']?https?:/, text: 'pins the address of a tarball' },
  {
    rule: 'personal-path',
    pattern: /(?<![\w.~/}-])\/(?:home|Users|root)\/[\w.]|(?<![\w.~/}-])\/work\/\w|\b[A-Z]:\\Users\\\w/,
    text: "names a path of one person's machine",
  },
]

/** Bytes that say "not text". */
const BINARY = /\0/

export const checkTrackedText: Check = async (root) => {
  const findings: Finding[] = []
  for (const file of await trackedFiles(root)) {
    const text = await readFile(path.join(root, file), 'utf8')
    if (BINARY.test(text.slice(0, 8000))) continue
    for (const { rule, pattern, text: what } of PATTERNS) {
      const match = pattern.exec(text)
      if (match === null) continue
      const line = text.slice(0, match.index).split('\n').length
      findings.push({ rule, where: `${file}:${line}`, text: what })
    }
  }
  return findings
}

/**
 * No document names an environment variable that does not exist. What exists stands in the table "Environment" of the control API's
 * README, which a test of the control API holds against its source; variables of tests are told in CONTRIBUTING.md.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Check, Finding } from './finding.ts'
import { trackedFiles } from './tracked-files.ts'

const TABLE = 'apps/control-api/README.md'
const ROW = /^\| `([A-Z_]+)(?:<CLASS>)?`/gm
const NAME = /\bIRON_[A-Z_]*[A-Z]\b/g
const OF_TESTS = /^IRON_(?:TEST_|REQUIRE_SERVICES$)/
/** They read no environment; what looks like a variable there is the code of a warning. */
const PACKAGES = 'packages/'
/** `IRON_RATE_LIMIT_<CLASS>`. */
const FAMILY = 'IRON_RATE_LIMIT_'

export const checkVariables: Check = async (root) => {
  const table = await readFile(path.join(root, TABLE), 'utf8')
  const known = new Set(Array.from(table.matchAll(ROW), ([, name = '']) => name))
  const findings: Finding[] = []
  for (const file of (await trackedFiles(root)).filter((each) => each.endsWith('.md') && !each.startsWith(PACKAGES))) {
    const text = await readFile(path.join(root, file), 'utf8')
    for (const match of text.matchAll(NAME)) {
      const [name] = match
      if (known.has(name) || OF_TESTS.test(name) || `${name}_`.startsWith(FAMILY)) continue
      const line = text.slice(0, match.index).split('\n').length
      findings.push({ rule: 'variables', where: `${file}:${line}`, text: `${name} is no setting` })
    }
  }
  return findings
}

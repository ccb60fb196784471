/** The container files are sound by the rules of their linters: none of them is run here, so that much is checked at least. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { validate } from 'dockerfile-utils'
import { dependencyProgram } from './dependency.ts'
import type { Check, Finding } from './finding.ts'
import { onOneLine, runProgram } from './run-program.ts'

const FOLDER = 'apps/control-api/deploy'

export const checkDeployment: Check = async (root) => {
  const findings: Finding[] = []
  const file = (name: string): string => path.join(root, FOLDER, name)
  const missing = ['Dockerfile', 'compose.yaml', 'iron.service'].filter((name) => !existsSync(file(name)))
  if (missing.length > 0) return [{ rule: 'deployment', where: FOLDER, text: `has no ${missing.join(', ')}` }]
  for (const { message, range } of validate(readFileSync(file('Dockerfile'), 'utf8'))) {
    findings.push({
      rule: 'dockerfile',
      where: `${FOLDER}/Dockerfile:${range.start.line + 1}`,
      text: typeof message === 'string' ? message : message.value,
    })
  }
  const dclint = await runProgram(
    process.execPath,
    [dependencyProgram('dclint'), file('compose.yaml'), '--max-warnings', '0'],
    { cwd: root, env: { NO_COLOR: '1' } },
  )
  if (dclint.code !== 0) findings.push({ rule: 'compose', where: `${FOLDER}/compose.yaml`, text: onOneLine(dclint) })
  return findings
}

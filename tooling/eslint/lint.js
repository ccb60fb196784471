// Lints every member, or the files and folders it is given, as one project; each with the configuration of its member.
// Usage: node tooling/eslint/lint.js [file or folder…]
import { globSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'

const root = fileURLToPath(new URL('../..', import.meta.url))
process.env.IRON_LINT_PROJECT = fileURLToPath(import.meta.resolve('@iron/tsconfig/whole.json'))

const given = process.argv.slice(2)
const members = globSync(['migrations', 'packages/*', 'apps/*', 'apps/examples/*', 'tooling/*'], { cwd: root })
const patterns =
  given.length > 0
    ? given
    : members
        .map((member) => path.join(root, member))
        .filter((member) => globSync('eslint.config.js', { cwd: member })[0])
const eslint = new ESLint({ cwd: root })
const results = await eslint.lintFiles(patterns).catch((error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
})
const { format } = await eslint.loadFormatter()
process.stdout.write(await format(results))
process.exitCode = results.some((result) => result.errorCount > 0 || result.warningCount > 0) ? 1 : 0

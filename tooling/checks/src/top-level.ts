/** The top level of the repository holds what rulings R15 lists and nothing else. */
import type { Check } from './finding.ts'
import { trackedFiles } from './tracked-files.ts'

const ALLOWED = new Set([
  ...['package.json', 'pnpm-workspace.yaml', 'packages', 'apps', 'tooling', 'migrations', 'turbo.json', 'README.md'],
  ...['pnpm-lock.yaml', 'LICENSE', 'ARCHITECTURE.md'],
  ...['.changeset', '.ci', '.github', '.gitattributes', '.gitignore', '.prettierignore', '.editorconfig'],
])

export const checkTopLevel: Check = async (root) => {
  const entries = new Set((await trackedFiles(root)).map((file) => file.split('/')[0] ?? file))
  return [...entries]
    .filter((entry) => !ALLOWED.has(entry))
    .sort()
    .map((entry) => ({ rule: 'top-level', where: entry, text: 'is not in the list of rulings R15' }))
}

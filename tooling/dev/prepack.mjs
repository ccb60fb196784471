// Before a package is packed: builds it when its `dist` lacks anything that it exports. What starts the server builds no declarations.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const files = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [target] : [target.types, target.default],
)
if (files.some((file) => !existsSync(file))) {
  // stdout belongs to whoever packs.
  const { error, status } = spawnSync('tsup', { stdio: ['ignore', 2, 2] })
  if (error !== undefined)
    process.stderr.write(`${name} cannot be built before dependencies are installed: ${error.message}\n`)
  process.exitCode = status ?? 1
}

// Before a package is packed: builds it when its `dist` lacks anything that it exports, because what starts the server builds no
// declarations. For npm, which knows neither `workspace:` nor `catalog:`, the manifest is the one that pnpm would pack until
// `postpack.mjs` puts the package's own back.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { KEPT, putBack } from './postpack.mjs'

putBack()
const { name, exports, scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
const files = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [target] : [target.types, target.default],
)
if (files.some((file) => !existsSync(file))) run('tsup', [])
// Not the user agent: npm started by pnpm takes that for its own.
if (process.env.npm_execpath?.endsWith('npm-cli.js')) {
  const manifest = manifestOfPnpm()
  // Should npm fail before it comes to `postpack`, the next to pack puts the manifest back, for which it must find these.
  manifest.scripts = { ...manifest.scripts, prepack: scripts.prepack, postpack: scripts.postpack }
  mkdirSync(path.dirname(KEPT), { recursive: true })
  copyFileSync('package.json', KEPT)
  writeFileSync('package.json', JSON.stringify(manifest, null, 2))
}

function manifestOfPnpm() {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-pack-'))
  try {
    run('npx', ['--yes', 'pnpm@12', '--config.ignore-scripts=true', 'pack', '--pack-destination', folder])
    const [tarball] = globSync('*.tgz', { cwd: folder })
    return JSON.parse(spawnSync('tar', ['-xzOf', path.join(folder, tarball), 'package/package.json']).stdout)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What it prints goes to stderr: stdout belongs to whoever packs. */
function run(program, args) {
  const { error, status } = spawnSync(program, args, { stdio: ['ignore', 2, 2] })
  if (error === undefined && status === 0) return
  const why = error === undefined ? `${program} failed` : `install the dependencies first (${error.message})`
  process.stderr.write(`${name} cannot be packed: ${why}\n`)
  process.exit(1)
}

// Builds the control API if its sources changed, then runs one of its commands: `node tooling/dev/built.mjs serve`.
// Declarations, two thirds of the time that a whole build takes, are left to `pnpm build`.
// What the build prints goes to stderr, because stdout belongs to the command.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const require = createRequire(import.meta.url)

function run(args, stdio, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio, env: { ...process.env, ...environment } })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 0)))
  })
}

const build = await run(
  [require.resolve('turbo/bin/turbo'), 'run', 'build:js', '--filter=@iron/control-api', '--output-logs=errors-only'],
  ['ignore', 2, 2],
  { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
)
if (build !== 0) process.exit(build)
process.exit(await run(['apps/control-api/dist/main.js', ...process.argv.slice(2)], 'inherit'))

// Runs turbo with its telemetry off: the build of this project talks to nobody. NODE_OPTIONS stays behind: flags meant
// for one program must not change what the build or the tests of all members resolve.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { NODE_OPTIONS: _, ...environment } = process.env
const turbo = spawn(process.execPath, [require.resolve('turbo/bin/turbo'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...environment, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => turbo.kill(signal))
turbo.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))

// Runs turbo with its telemetry off: the build of this project talks to nobody.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const turbo = spawn(process.execPath, [require.resolve('turbo/bin/turbo'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
})
turbo.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))

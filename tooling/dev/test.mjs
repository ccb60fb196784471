// Runs every suite through turbo, adds up what each member's run left behind and ends with one line, `N passed, N failed`.
// Succeeds only when something passed, nothing failed and every member with tests reported.
// Usage: node tooling/dev/test.mjs [--quick] [arguments of `turbo run`]
import { spawn } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Suites named at the end, so that whoever adds a slow one sees it. */
const SLOWEST_SHOWN = 10

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const results = path.join(root, 'node_modules', '.cache', 'iron', 'results')
rmSync(results, { recursive: true, force: true })

const quick = process.argv.includes('--quick')
const turboArgs = process.argv.slice(2).filter((arg) => arg !== '--quick' && arg !== '--')
const env = {
  // Hundreds of tests start a server from its sources: what Node made of them once saves a quarter of each start.
  NODE_COMPILE_CACHE: path.join(root, 'node_modules', '.cache', 'iron', 'compiled'),
  ...process.env,
  IRON_TEST_RESULTS: results,
  ...(quick ? { IRON_TEST_QUICK: '1' } : {}),
}
const json = (file) => JSON.parse(readFileSync(file, 'utf8'))
const members = globSync(['migrations', 'packages/*', 'apps/*', 'apps/examples/*', 'tooling/*'], { cwd: root })
  .map((folder) => path.join(root, folder))
  .filter((folder) => globSync('package.json', { cwd: folder }).length === 1)
  .map((folder) => ({ folder, manifest: json(path.join(folder, 'package.json')) }))
  .filter(({ manifest }) => manifest.scripts?.test?.includes('iron-jest'))

// These take about as long as all others together: one lane each uses both cores to the end.
const HALF = [
  '@iron/agent-registry',
  '@iron/control-api',
  '@iron/journal',
  '@iron/lease-manager',
  '@iron/token-manager',
]
const half = members.map(({ manifest }) => manifest.name).filter((name) => HALF.includes(name))
const lanes =
  turboArgs.length === 0 && half.length > 0 && half.length < members.length
    ? [
        ['--concurrency=1', ...half.map((name) => `--filter=${name}`)],
        ['--concurrency=1', ...half.map((name) => `--filter=!${name}`)],
      ]
    : [['--concurrency=2', ...turboArgs]]
const codes = await Promise.all(lanes.map(runLane))
const code = Math.max(...codes)

function runLane(lane) {
  const args = [path.join(root, 'tooling', 'dev', 'turbo.mjs'), 'run', 'test', '--continue=always', ...lane]
  const turbo = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => turbo.kill(signal))
  return new Promise((resolve) => turbo.on('exit', (exit) => resolve(exit ?? 1)))
}

const runs = globSync('*.json', { cwd: results }).map((file) => json(path.join(results, file)))
const sum = (name) => runs.reduce((total, run) => total + run[name], 0)
let failed = sum('failed')
const passed = sum('passed')

// A member that was to be tested and left no figures died before it could.
if (turboArgs.length === 0) {
  for (const { folder } of members) {
    if (runs.some((run) => run.folder === folder)) continue
    process.stdout.write(`no result: ${path.relative(root, folder)}\n`)
    failed += 1
  }
}
for (const run of runs.filter((each) => each.failed > 0)) {
  process.stdout.write(`failed: ${path.relative(root, run.folder)} (${run.failed})\n`)
}
const slowest = runs.flatMap((run) => run.suites).sort((one, other) => other.ms - one.ms)
for (const suite of slowest.slice(0, SLOWEST_SHOWN)) {
  process.stdout.write(`${(suite.ms / 1000).toFixed(1).padStart(7)} s  ${path.relative(root, suite.file)}\n`)
}
if (sum('skipped') > 0) process.stdout.write(`skipped: ${sum('skipped')}\n`)
if (passed === 0) process.stdout.write('no test ran\n')
if (code !== 0 && failed === 0) failed = 1
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(code === 0 && failed === 0 && passed > 0 ? 0 : 1)

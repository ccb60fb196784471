// `pnpm bench [name]`: which of the benches runs; without a name the main job over HTTP.
const BENCHES: Readonly<Record<string, () => Promise<unknown>>> = {
  main: () => import('./main-job.ts'),
  analytics: () => import('./analytics/bench-analytics.ts'),
  lists: () => import('./lists/bench-lists.ts'),
  sockets: () => import('./sockets/bench-sockets.ts'),
  verify: () => import('./verify/bench-verify.ts'),
}

const name = process.argv[2] ?? 'main'
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
if (bench === undefined) {
  process.stderr.write(`there is no bench ${name}: one of ${Object.keys(BENCHES).join(', ')}\n`)
  process.exitCode = 1
} else await bench()

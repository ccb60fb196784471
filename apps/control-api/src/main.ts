// The process edge: argv -> command. Nothing that needs a current Node is imported before it is known to be one.
import process from 'node:process'

/** better-sqlite3 and the syntax of this program need it. */
const NODE_OLDEST = [22, 14] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor < NODE_OLDEST[1])) {
  process.stderr.write(
    `iron needs Node ${NODE_OLDEST.join('.')} or newer; this is ${process.versions.node}.\nRun it through \`npx --yes pnpm@12 start\`, which brings its own.\n`,
  )
  process.exit(2)
}
const { run } = await import('./command-line/run.ts')
await run(process.argv)

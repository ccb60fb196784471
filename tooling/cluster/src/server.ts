/** Runs the control API: from its build, as an operator does, or from its sources, for tests that build nothing. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess, type StartedProcess, type StartOptions } from '@iron/test-kit'
import { bundle } from '@iron/test-kit/bundle'

const app = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'apps', 'control-api')

/** Where the program comes from: its build, its sources, or the sources of another version, in that version's folder of the app. */
export type Program = 'built' | 'sources' | { readonly sourcesOf: string }

/** A server process that listens. */
export interface Server extends AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly process: StartedProcess
}

const LISTENING = /^iron control-api listening on (http:\/\/\S+)$/m

type Environment = Readonly<Record<string, string>>

/** How a process may differ from others. */
export interface ServerOptions {
  /** More options for Node. */
  readonly node?: readonly string[] | undefined
  /** As whom it runs, where this runs as root. */
  readonly user?: StartOptions['user']
}

export async function startServer(program: Program, env: Environment, options: ServerOptions = {}): Promise<Server> {
  const started = await iron(program, ['serve'], env, { ...options, ready: LISTENING })
  const address = started.ready[1] as string
  return {
    address,
    port: Number(new URL(address).port),
    process: started,
    [Symbol.asyncDispose]: async () => {
      await started.stop()
    },
  }
}

/** Runs one command of the control API to its end. @returns its exit code and what it wrote */
export async function runIron(
  program: Program,
  args: readonly string[],
  env: Environment,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const started = await iron(program, args, env)
  // A started program alone does not keep this one alive.
  const alive = setInterval(() => undefined, 60_000)
  const { code } = await started.exited
  clearInterval(alive)
  return { code, output: `${started.stdout}${started.stderr}` }
}

async function iron(
  program: Program,
  args: readonly string[],
  env: Environment,
  { node = [], user, ready }: ServerOptions & { readonly ready?: RegExp } = {},
): Promise<StartedProcess> {
  return startProcess(process.execPath, [...node, ...(await mainOf(program)), ...args], {
    env: { ...env, NODE_OPTIONS: undefined },
    cwd: typeof program === 'object' ? program.sourcesOf : app,
    timeoutMs: START_WITHIN_MS,
    user,
    ...(ready !== undefined && { ready }),
  })
}

async function mainOf(program: Program): Promise<readonly string[]> {
  const source = path.join('src', 'main.ts')
  if (program === 'built') return [path.join(app, 'dist', 'main.js')]
  if (program === 'sources') return ['--conditions=@iron/source', await bundle(path.join(app, source))]
  return ['--conditions=@iron/source', path.join(program.sourcesOf, source)]
}

/** Reading the sources of all packages takes a busy machine this long, in milliseconds. */
const START_WITHIN_MS = 60_000

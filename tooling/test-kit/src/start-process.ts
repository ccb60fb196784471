/**
 * Starts a program for a test and sees to it that the program never outlives the process that asked for it. A guard
 * (one `sh`) holds the other end of a pipe: when this process ends, however it ends, the pipe closes and the guard
 * kills the program with SIGKILL. Exit handlers would not do: Jest runs tests with a copy of `process` whose handlers
 * never fire, and nothing fires after a `kill -9`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

export interface StartOptions {
  /** The program is ready when a line on `readyStream` matches. Without it, it is ready once it runs. */
  readonly ready?: RegExp | undefined
  /** Default `stdout`. */
  readonly readyStream?: 'stdout' | 'stderr' | undefined
  /** How long it may take to become ready. Default 20 000 ms. */
  readonly timeoutMs?: number | undefined
  readonly cwd?: string | undefined
  /** Added to the environment of this process; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Numeric user and group to run as (needs root). */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  /** A folder deleted by the guard if this process dies before it could tidy up. */
  readonly ownedFolder?: string | undefined
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program under test. `await using` stops it at the end of the scope, also after a failed assertion. */
export interface StartedProcess extends AsyncDisposable {
  readonly pid: number
  /** The match of `ready`, so that a port can be read from it; an empty list without `ready`. */
  readonly ready: readonly string[]
  /** Everything written so far, at most the last 4 MiB of each stream. */
  readonly stdout: string
  readonly stderr: string
  /** Settles when the program has ended and its output is complete; never rejects. */
  readonly exited: Promise<Exit>
  /** Waits for a match in what was written, or will be. @throws Error after `timeoutMs` (default 20 000), or when the program ends first */
  waitFor(pattern: RegExp, options?: { stream?: 'stdout' | 'stderr'; timeoutMs?: number }): Promise<readonly string[]>
  /** Sends a signal (default SIGTERM); whether it could be sent. */
  kill(signal?: NodeJS.Signals): boolean
  /** Sends a signal (default SIGTERM), SIGKILL after `graceMs` (default 5 000), and waits for the end. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<Exit>
}

const READY_TIMEOUT_MS = 20_000
const STOP_GRACE_MS = 5_000
/** Of each stream, kept in memory. */
const OUTPUT_CHARACTERS_MAX = 4 * 1024 * 1024

/** Starts a program and waits until it is ready. @throws Error with its output when it ends or stays silent instead */
export async function startProcess(
  command: string,
  args: readonly string[] = [],
  options: StartOptions = {},
): Promise<StartedProcess> {
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.user,
  })
  const stdout = new Output(child.stdout)
  const stderr = new Output(child.stderr)
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`${command} has no process id`)
  const guard = startGuard(pid, options.ownedFolder)
  void exited.then(() => guard.kill('SIGKILL'))

  const waitFor: StartedProcess['waitFor'] = async (
    pattern,
    { stream = 'stdout', timeoutMs = READY_TIMEOUT_MS } = {},
  ) => {
    const output = stream === 'stdout' ? stdout : stderr
    const match = await output.match(pattern, exited, timeoutMs)
    if (typeof match !== 'string') return match
    throw new Error(
      `${command} ${args.join(' ')}: ${match} before ${stream} matched ${String(pattern)}\n--- stdout\n${stdout.text}\n--- stderr\n${stderr.text}`,
    )
  }
  const stop: StartedProcess['stop'] = async (signal = 'SIGTERM', graceMs = STOP_GRACE_MS) => {
    child.ref()
    child.kill(signal)
    const last = setTimeout(() => child.kill('SIGKILL'), graceMs)
    const exit = await exited
    clearTimeout(last)
    return exit
  }
  let ready: readonly string[] = []
  if (options.ready !== undefined) {
    try {
      ready = await waitFor(options.ready, {
        stream: options.readyStream ?? 'stdout',
        timeoutMs: options.timeoutMs ?? READY_TIMEOUT_MS,
      })
    } catch (error) {
      await stop('SIGKILL')
      throw error
    }
  }
  // A program that a failed test left running must not keep the test runner alive.
  child.unref()
  unref(child.stdout)
  unref(child.stderr)
  return {
    pid,
    ready,
    get stdout() {
      return stdout.text
    },
    get stderr() {
      return stderr.text
    },
    exited,
    waitFor,
    kill: (signal = 'SIGTERM') => child.kill(signal),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
    },
  }
}

function environment(changes: StartOptions['env']): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = { ...process.env, ...changes }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined))
}

/** `$0` is the program, `$1` its folder or nothing. `read` returns when the pipe closes. */
const GUARD =
  'read -r _; pkill -KILL -P "$0" 2>/dev/null; kill -9 "$0" 2>/dev/null; if [ -n "$1" ]; then sleep 1; rm -rf "$1"; fi'

function startGuard(pid: number, folder: string | undefined): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', GUARD, String(pid), folder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Its own group: a Ctrl-C at the terminal ends the tests, and the guard must live to see that.
    detached: true,
  })
  guard.on('error', () => undefined)
  guard.unref()
  unref(guard.stdin)
  return guard
}

/** A pipe is a socket at run time, though its type does not say so. */
function unref(stream: object | null): void {
  ;(stream as { unref?: () => void } | null)?.unref?.()
}

/** The text of one stream and those who wait for a part of it. */
class Output {
  text = ''
  readonly #waiting = new Set<() => void>()

  constructor(stream: Readable) {
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      this.text = (this.text + chunk).slice(-OUTPUT_CHARACTERS_MAX)
      for (const look of this.#waiting) look()
    })
  }

  /** The match, or why there will be none. */
  async match(pattern: RegExp, ended: Promise<unknown>, timeoutMs: number): Promise<readonly string[] | string> {
    let timer: NodeJS.Timeout | undefined
    let look = (): void => undefined
    try {
      return await new Promise<readonly string[] | string>((resolve) => {
        look = () => {
          const match = pattern.exec(this.text)
          if (match !== null) resolve([...match])
        }
        this.#waiting.add(look)
        timer = setTimeout(() => resolve(`silent for ${timeoutMs} ms`), timeoutMs)
        void ended.then(() => {
          look()
          resolve('it ended')
        })
        look()
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(look)
    }
  }
}

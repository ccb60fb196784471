/**
 * Runs a program again after each change of its sources. `node --watch` would, but under it a program that starts worker threads
 * before it listens ends at once (Node 24: its loader waits for answers that do not come).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { watch } from 'node:fs'

/** An editor saves in several steps: what happens within this time is one change, in milliseconds. */
const SETTLED_MS = 200

/** What is run, and what is watched. */
export interface RunOnChange {
  readonly args: readonly string[]
  readonly cwd: string
  /** Folders, watched with everything below them. */
  readonly folders: readonly string[]
  /** Ends the program and the watching. */
  readonly signal: AbortSignal
  readonly onRestart: (file: string) => void
}

/** Resolves when the signal has come and the program has ended. One that ends by itself is started again by the next change. */
export async function runOnChange({ args, cwd, folders, signal, onRestart }: RunOnChange): Promise<void> {
  let running = start(args, cwd)
  let timer: NodeJS.Timeout | undefined
  const restart = async (file: string): Promise<void> => {
    const before = running
    await end(before)
    // Another change, or the end, may have come while it was ending.
    if (signal.aborted || running !== before) return
    onRestart(file)
    running = start(args, cwd)
  }
  const watchers = folders.map((folder) =>
    watch(folder, { recursive: true }, (_, file) => {
      clearTimeout(timer)
      timer = setTimeout(() => void restart(file ?? folder), SETTLED_MS)
    }),
  )
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  clearTimeout(timer)
  for (const watcher of watchers) watcher.close()
  await end(running)
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<void>
}

function start(args: readonly string[], cwd: string): Running {
  const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' })
  return { child, ended: new Promise((resolve) => child.once('close', () => resolve())) }
}

async function end({ child, ended }: Running): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

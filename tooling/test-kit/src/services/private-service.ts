/**
 * A PostgreSQL or Redis of a test's own, in a temporary folder on a free port, that may be stopped, killed, paused and
 * restarted without harm to anybody. Address and data stay the same over a restart.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from '../free-port.ts'
import type { StartedProcess } from '../start-process.ts'

/** Someone else may take the free port before the service binds it. */
const START_ATTEMPTS = 5
/** A killed PostgreSQL's helpers notice and go within this time; only then can it start again on its data. */
const RESTART_WITHIN_MS = 10_000

export interface PrivateService extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Process id of the running server. @throws Error when it is stopped */
  readonly pid: number
  /** Clean shutdown by default; SIGKILL is a crash. Data stays. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again, stopping it first if it runs. */
  restart(): Promise<void>
  /** Freezes it: connections hang, nothing is closed. Linux only. */
  pause(): void
  resume(): void
}

/** What one kind of service needs: how to start it on a folder and a port, and its URL. */
export interface ServiceKind {
  readonly name: string
  /** The signal that makes it close its connections and leave at once. */
  readonly stopSignal: NodeJS.Signals
  prepare(folder: string): Promise<void>
  start(folder: string, port: number): Promise<StartedProcess>
  url(port: number): string
}

/** @throws Error with the server's output when it does not start */
export async function startPrivate(kind: ServiceKind): Promise<PrivateService> {
  const folder = mkdtempSync(path.join(tmpdir(), `iron-${kind.name}-`))
  let server: StartedProcess | undefined
  let port = 0
  try {
    await kind.prepare(folder)
    for (let attempt = 1; server === undefined; attempt++) {
      port = await freePort()
      try {
        server = await kind.start(folder, port)
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error
      }
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }

  const running = (): StartedProcess => {
    if (server === undefined) throw new Error(`The private ${kind.name} is stopped`)
    return server
  }
  const stop = async (signal: NodeJS.Signals = kind.stopSignal): Promise<void> => {
    const stopped = server
    server = undefined
    if (stopped === undefined) return
    for (const pid of processTree(stopped.pid)) signalIfRunning(pid, 'SIGCONT')
    await stopped.stop(signal)
  }
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of processTree(running().pid)) signalIfRunning(pid, signal)
  }
  return {
    url: kind.url(port),
    port,
    get pid() {
      return running().pid
    },
    stop,
    restart: async () => {
      await stop()
      const deadline = performance.now() + RESTART_WITHIN_MS
      while (server === undefined) {
        try {
          server = await kind.start(folder, port)
        } catch (error) {
          if (performance.now() > deadline) throw error
        }
      }
    },
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A server's helper (PostgreSQL's autovacuum, say) may be gone by the time its turn comes. */
function signalIfRunning(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A process and its children; PostgreSQL's connections are children in sessions of their own. Elsewhere than on Linux only the process. */
function processTree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return [
      pid,
      ...children
        .split(/\s+/)
        .filter(Boolean)
        .flatMap((child) => processTree(Number(child))),
    ]
  } catch {
    return [pid]
  }
}

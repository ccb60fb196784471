/**
 * One private service for all test processes of this machine. The first that needs it starts a host (`service-host.ts`)
 * which owns the service and listens on a local socket; the others find the host there. A connection to the host is a
 * claim: when no claim has been held for a while, the host stops the service, deletes its folder and leaves. So nothing
 * has to be tidied up by a test, and a killed test leaves nothing behind. The socket's name can be bound by one process
 * only, which settles every race.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export type ServiceName = 'postgres' | 'redis'

/** initdb on a busy machine takes its time. */
const HOST_WITHIN_MS = 60_000
const RETRY_AFTER_MS = 50

const host = fileURLToPath(new URL('./service-host.ts', import.meta.url))

/** A name that vanishes with its process on Linux (abstract socket) and Windows (pipe); elsewhere a file. */
export function hostAddress(name: ServiceName): string {
  const unique = `iron-test-${name}-${userInfo().uid}-1`
  if (process.platform === 'linux') return `\0${unique}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${unique}` : path.join(tmpdir(), unique)
}

/** Whether a host can be started from here: not from a bundle, which has no source beside it. */
export function canShare(): boolean {
  return existsSync(host)
}

/** The service's URL; it stays up until this process ends. @throws Error when the host cannot start it */
export async function sharedService(name: ServiceName): Promise<string> {
  const deadline = performance.now() + HOST_WITHIN_MS
  for (;;) {
    const answer = await claim(name)
    if (answer !== undefined) {
      if (answer.startsWith('error ')) throw new Error(answer.slice('error '.length))
      return answer
    }
    if (performance.now() > deadline) throw new Error(`No host for a shared ${name} within ${HOST_WITHIN_MS} ms`)
    spawn(process.execPath, [host, name], { detached: true, stdio: 'ignore', env: process.env }).unref()
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS))
  }
}

/** The host's one line, or nothing when there is no host (any more). */
function claim(name: ServiceName): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket: Socket = connect(hostAddress(name))
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(undefined))
    socket.on('data', (chunk: string) => {
      answer += chunk
      if (!answer.endsWith('\n')) return
      socket.unref()
      resolve(answer.trimEnd())
    })
  })
}

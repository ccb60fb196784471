import { execFile } from 'node:child_process'
import { chownSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { startProcess } from '../start-process.ts'
import { postgresFolder, postgresUser } from './binaries.ts'
import { type PrivateService, type ServiceKind, startPrivate } from './private-service.ts'

export interface PrivatePostgresOptions {
  /** Extra settings, e.g. `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined
}

/** Crashes of the process are survived without fsync (the system keeps the pages); only a power cut is not. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '32MB',
}

/** Whether this machine has the programs for a private PostgreSQL. */
export function canStartPostgres(): boolean {
  return process.platform !== 'win32' && postgresFolder() !== undefined
}

/** A PostgreSQL of the caller's own (user `postgres`, no password). @throws Error when it is not installed */
export function privatePostgres(options: PrivatePostgresOptions = {}): Promise<PrivateService> {
  const programs = postgresFolder()
  if (programs === undefined) throw new Error('PostgreSQL is not installed: no initdb found')
  const user = postgresUser()
  const settings = Object.entries({ ...SETTINGS, ...options.settings })
  const kind: ServiceKind = {
    name: 'postgres',
    stopSignal: 'SIGINT',
    prepare: async (folder) => {
      if (user !== undefined) chownSync(folder, user.uid, user.gid)
      await promisify(execFile)(
        path.join(programs, 'initdb'),
        ['-D', path.join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
        { cwd: folder, ...user },
      )
    },
    start: (folder, port) =>
      startProcess(
        path.join(programs, 'postgres'),
        [
          '-D',
          path.join(folder, 'data'),
          '-p',
          String(port),
          ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        {
          ready: /database system is ready to accept connections/,
          readyStream: 'stderr',
          cwd: folder,
          ownedFolder: folder,
          user,
        },
      ),
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  }
  return startPrivate(kind)
}

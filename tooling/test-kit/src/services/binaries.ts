/**
 * Where this machine keeps PostgreSQL and Redis, and as whom PostgreSQL may run. Only looks; starts nothing of note.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import path from 'node:path'

/** Debian's and Ubuntu's place for every installed major version. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql'

/** The folder with `initdb` and `postgres` of the newest installed version, or nothing. */
export function postgresFolder(): string | undefined {
  const folders = [
    ...versions(DEBIAN_POSTGRES).map((version) => path.join(DEBIAN_POSTGRES, version, 'bin')),
    ...searchPath(),
  ]
  return folders.find((folder) => runnable(path.join(folder, 'initdb')) && runnable(path.join(folder, 'postgres')))
}

/** The Redis server's (or Valkey's) program, or nothing. */
export function redisProgram(): string | undefined {
  return searchPath()
    .flatMap((folder) => [path.join(folder, 'redis-server'), path.join(folder, 'valkey-server')])
    .find(runnable)
}

/** PostgreSQL refuses to run as root; then it runs as the user its package made. */
export function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function searchPath(): string[] {
  return (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '')
}

function versions(folder: string): string[] {
  try {
    return readdirSync(folder).sort((one, other) => Number(other) - Number(one))
  } catch {
    return []
  }
}

function runnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

import { mkdirSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { DatabaseError } from './errors.ts'

/** Where a database is. */
export type Source =
  { readonly dialect: 'sqlite'; readonly file: string } | { readonly dialect: 'postgres'; readonly url: string }

const MEMORY = ':memory:'

/**
 * Reads `./iron.db`, `sqlite:./iron.db`, `sqlite:///./iron.db?mode=rwc`, a `file:` URL or `file:./iron.db`, `:memory:`, `sqlite::memory:`,
 * `postgres://…` and `postgresql://…` (packages.md 6).
 *
 * @throws {DatabaseError} UNSUPPORTED_URL for any other scheme, for a URL that names no file or has parameters but `mode=rwc`, and
 * for what is neither text nor URL
 */
export function parseSource(source: string | URL): Source {
  const text = textOf(source)
  if ([MEMORY, `sqlite:${MEMORY}`, `file:${MEMORY}`].includes(text)) return { dialect: 'sqlite', file: MEMORY }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === 'postgres' || scheme === 'postgresql') return { dialect: 'postgres', url: readable(text) }
  if (scheme === 'file') return { dialect: 'sqlite', file: named(() => absolute(filePath(text))) }
  if (scheme === 'sqlite') return { dialect: 'sqlite', file: named(() => absolute(sqlitePath(text))) }
  if (scheme === undefined && text.trim() !== '') return { dialect: 'sqlite', file: named(() => absolute(text)) }
  throw new DatabaseError('UNSUPPORTED_URL', 'a database is a path, sqlite:…, file:…, :memory: or postgres://…', {
    details: { scheme: scheme ?? null },
  })
}

/** A variable of the environment that is not set is no source, whatever its type was said to be. */
function textOf(source: string | URL | null | undefined): string {
  const text: unknown = typeof source === 'string' ? source : source?.href
  if (typeof text === 'string') return text
  throw new DatabaseError('UNSUPPORTED_URL', 'a database is named by a text or a URL', { details: { scheme: null } })
}

/** One name for a place, however its source spells it: symbolic links are followed as far as there is something to follow. */
export function nameOfPlace(place: Source): string {
  return place.dialect === 'postgres' ? place.url : realPath(place.file)
}

/** Where a place is, as a URL without password. */
export function urlOf(place: Source): string {
  if (place.dialect === 'sqlite') return `sqlite:${place.file}`
  const url = new URL(place.url)
  url.password = ''
  url.searchParams.delete('password')
  return url.href
}

/** Creates the folder of a database file when it is missing. @throws {DatabaseError} DATABASE_UNAVAILABLE when it cannot be */
export function makeFolder(file: string): void {
  if (file === MEMORY) return
  try {
    mkdirSync(path.dirname(file), { recursive: true })
  } catch (cause) {
    const details = { reason: (cause as NodeJS.ErrnoException).code ?? null }
    throw new DatabaseError('DATABASE_UNAVAILABLE', 'the folder of the database cannot be made', { details, cause })
  }
}

function readable(url: string): string {
  if (URL.canParse(url)) return url
  throw new DatabaseError('UNSUPPORTED_URL', 'the URL of a PostgreSQL database cannot be read')
}

/** The file that a URL names; one that cannot be decoded names none, and no file has a NUL in its name. */
function named(read: () => string): string {
  let file: string | undefined
  try {
    file = read()
  } catch (error) {
    if (error instanceof DatabaseError) throw error
  }
  if (file === undefined || file.includes('\0')) {
    throw new DatabaseError('UNSUPPORTED_URL', 'the URL of a database file cannot be read')
  }
  return file
}

/**
 * Written without a slash after the colon, a `file:` URL names a place below the working folder, as in SQLite itself and beside it;
 * read by the rules of the web it would be one below the root.
 */
function filePath(url: string): string {
  const rest = placeIn(url.slice('file:'.length))
  if (rest === '') throw new DatabaseError('UNSUPPORTED_URL', 'a file: URL names a file')
  return rest.startsWith('/') ? fileURLToPath(url) : decodeURIComponent(rest)
}

/** What a file is opened like anyway. Others, `mode=ro` above all, would promise what is not kept. */
const PARAMETERS = new Set([undefined, '', 'mode=rwc'])

/** What a URL says before its parameters. @throws {DatabaseError} UNSUPPORTED_URL for a parameter that means something else than is done */
function placeIn(rest: string): string {
  const [, place = '', parameters] = /^([^?]*)(?:\?(.*))?$/s.exec(rest) ?? []
  if (PARAMETERS.has(parameters)) return place
  throw new DatabaseError('UNSUPPORTED_URL', 'the URL of a database file has no parameter but mode=rwc')
}

function sqlitePath(url: string): string {
  const rest = placeIn(url.slice('sqlite:'.length))
  if (rest === '' || rest === '//') throw new DatabaseError('UNSUPPORTED_URL', 'a sqlite: URL names a file')
  if (!rest.startsWith('//')) return decodeURIComponent(rest)
  // An empty authority, as in file:///x; sqlite:///./x is the customary spelling of a path below the working folder.
  const file = decodeURIComponent(rest.slice(2))
  return file.startsWith('/./') || file.startsWith('/../') ? file.slice(1) : file
}

function absolute(file: string): string {
  return path.resolve(file)
}

function realPath(file: string): string {
  try {
    return realpathSync.native(file)
  } catch {
    const folder = path.dirname(file)
    return folder === file ? file : path.join(realPath(folder), path.basename(file))
  }
}

import { UsageError } from '../../command-line/exit-codes.ts'
import { serverUrl } from '../../config/read-value.ts'
import { loadConfig } from '../../config.ts'

/** Options of every command that talks to a server; by default IRON_URL and IRON_TOKEN. */
export interface ServerOptions {
  readonly url?: string | undefined
  readonly token?: string | undefined
}

/** Where a server is and who asks. */
export interface ServerAccess {
  readonly url: string
  readonly token: string
}

/** How long an answer is waited for, in milliseconds. */
const ANSWER_MS = 30_000
/** Rows of one page; the most that a server gives. */
const PAGE_ROWS = 100

/** What a query may hold; `undefined` is left out. */
export type Query = Readonly<Record<string, string | number | undefined>>

/** A page of a paged list. */
export interface ListPage<T> {
  readonly data: readonly T[]
  readonly pagination: { readonly total: number; readonly total_pages: number }
}

/** A server that cannot be reached, or an answer that is not 2xx, said so that its reader knows what to do. */
export class ServerError extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number

  constructor(message: string, status = 0) {
    super(message)
    this.name = 'ServerError'
    this.status = status
  }

  /** Whether the same question may be answered later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

/**
 * Who talks to which server.
 *
 * @throws {UsageError} without a token, or with an address that is none
 */
export function serverAccess(options: ServerOptions): ServerAccess {
  const config = loadConfig()
  const token = options.token ?? config.remoteToken
  if (token === undefined) throw new UsageError('an API token is needed: set IRON_TOKEN, or give --token')
  return { url: options.url === undefined ? config.remoteUrl : readUrl(options.url), token }
}

/** The API of a server, read-only. */
export class ServerApi {
  readonly #access: ServerAccess

  constructor(options: ServerOptions) {
    this.#access = serverAccess(options)
  }

  /**
   * The body of an answer, which is believed to be what the route documents.
   *
   * @throws {ServerError}
   * @throws {UsageError} when the server takes none of what was given
   */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    const { url, token } = this.#access
    // eslint-disable-next-line no-restricted-globals -- the commands that use this talk to a server
    const answer = await fetch(`${url}/api/v1${path}${textOf(query)}`, {
      headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
      signal: AbortSignal.timeout(ANSWER_MS),
    }).catch((error: unknown) => {
      throw unreachable(url, error)
    })
    const body: unknown = await answer.json().catch(() => undefined)
    if (answer.ok && body !== undefined) return body as T
    const reason = reasonOf(answer.status, body, url)
    throw answer.status === 400 ? new UsageError(reason) : new ServerError(reason, answer.status)
  }

  /** The first rows of a paged list, and how many there are in all. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names the route's answer
  async list<T>(
    path: string,
    rows: number,
    query: Query = {},
  ): Promise<{ readonly data: T[]; readonly total: number }> {
    const data: T[] = []
    for (let page = 1; ; page += 1) {
      const found = await this.get<ListPage<T>>(path, { ...query, page, per_page: Math.min(rows, PAGE_ROWS) })
      data.push(...found.data)
      if (data.length >= rows || page >= found.pagination.total_pages) {
        return { data: data.slice(0, rows), total: found.pagination.total }
      }
    }
  }
}

/** Why a server did not do what it was asked. */
export function reasonOf(status: number, body: unknown, url: string): string {
  const { error, code, details } = (typeof body === 'object' && body !== null ? body : {}) as Said
  const said = code === undefined ? `${url} answered ${String(status)}` : `${error ?? ''} (${String(status)} ${code})`
  const faults = Object.entries(details?.fields ?? {}).map(([path, rule]) => `${path} ${rule}`)
  const hint = faults.length > 0 ? faults.join('; ') : code === 'NOT_FOUND' ? NO_SUCH_ROUTE : HINTS[status]
  return hint === undefined ? said : `${said}: ${hint}`
}

/** The body of an error (http-api 1.6), as far as it is shown. */
interface Said {
  readonly error?: string
  readonly code?: string
  readonly details?: { readonly fields?: Readonly<Record<string, string>> }
}

const NO_SUCH_ROUTE = 'is IRON_URL right? It ends before /api'

const HINTS: Readonly<Partial<Record<number, string>>> = {
  401: 'IRON_TOKEN is not, or no longer, accepted there',
  403: 'the token may not do this: its scopes or the role of its owner do not allow it',
  404: 'there is none, or it belongs to somebody else',
  429: 'too many requests: try again later',
}

export function unreachable(url: string, error: unknown): ServerError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (cause as { code?: string } | undefined)?.code
  const why = error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : (code ?? String(cause))
  return new ServerError(`${url} cannot be reached (${why}): is the server running, and is IRON_URL right?`)
}

function readUrl(text: string): string {
  try {
    return serverUrl(text)
  } catch (error) {
    throw new UsageError(`--url ${error instanceof Error ? error.message : String(error)}`)
  }
}

function textOf(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}

import { systemClock, type Clock } from './clock.ts'
import { DatabaseError } from './errors.ts'
import type { IdSource } from './ids.ts'
import type { IronDatabase, ReadOptions, WriteOptions } from './iron-database.ts'
import { openDatabase, type ServiceOptions } from './open.ts'
import { requireOwn } from './own-transaction.ts'
import { nameOfPlace, parseSource } from './source.ts'
import type { ReadTx, WriteTx } from './transaction.ts'

/** What a service works on: an open handle, or a path or URL that it opens itself. */
export type DbSource = string | URL | IronDatabase

interface SharedHandle {
  readonly place: string
  readonly opening: Promise<IronDatabase>
  users: number
}

/** Handles opened by services of this process, by place: two services naming one file share one writer (OPS-19). */
const shared = new Map<string, SharedHandle>()

/** The handle of a place, opened by the first who asks. One that could not be opened is forgotten, and the next one tries again. */
function sharedHandle(source: string | URL, place: string): SharedHandle {
  const known = shared.get(place)
  if (known !== undefined) return known
  const handle: SharedHandle = { place, opening: openDatabase(source), users: 0 }
  shared.set(place, handle)
  handle.opening.catch(() => forget(handle))
  return handle
}

/** Anything else is a place, or nothing at all, which `parseSource` refuses. */
function isHandle(source: DbSource): source is IronDatabase {
  return typeof (source as Partial<IronDatabase> | null | undefined)?.write === 'function'
}

function forget(handle: SharedHandle): void {
  if (shared.get(handle.place) === handle) shared.delete(handle.place)
}

/**
 * The base of every service: opens its source at first use, shares the handle with other services of this process that name
 * the same place, and closes it with the last of them. A handle that was given open is neither migrated nor closed.
 */
export abstract class DatabaseService implements AsyncDisposable {
  readonly #source: DbSource
  readonly #options: ServiceOptions
  readonly #given: IronDatabase | undefined
  #handle: SharedHandle | undefined
  #opening: Promise<IronDatabase> | undefined
  #closed = false

  /** @throws {DatabaseError} UNSUPPORTED_URL for a source that is neither an open handle nor the place of a database */
  constructor(source: DbSource, options: ServiceOptions = {}) {
    this.#source = source
    this.#options = options
    this.#given = isHandle(source) ? source : undefined
    if (this.#given === undefined) parseSource(source as string | URL)
  }

  /** Whether the service opens its database itself. */
  protected get opensItself(): boolean {
    return this.#given === undefined
  }

  /** The service's clock; its database's when none was given. */
  protected get clock(): Clock {
    return this.#options.clock ?? this.#given?.clock ?? systemClock
  }

  /** The service's id source. Only after {@link ready}. */
  protected idsOf(db: IronDatabase): IdSource {
    return this.#options.ids ?? db.ids
  }

  /** Opens and migrates the database if that has not happened yet. */
  ready(): Promise<IronDatabase> {
    if (this.#given !== undefined) return Promise.resolve(this.#given)
    if (this.#closed) return Promise.reject(new DatabaseError('DATABASE_CLOSED', 'this service is closed'))
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** Runs `work` in the caller's transaction, or in one of its own. */
  protected async write<T>(
    work: (tx: WriteTx, db: IronDatabase) => Promise<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const db = await this.ready()
    if (options.tx === undefined) return db.write((tx) => work(tx, db), options)
    requireOwn(db, options.tx)
    return work(options.tx, db)
  }

  /** Runs `work` on the caller's snapshot, or on one of its own. */
  protected async read<T>(work: (tx: ReadTx, db: IronDatabase) => Promise<T>, options: ReadOptions = {}): Promise<T> {
    const db = await this.ready()
    if (options.tx === undefined) return db.read((tx) => work(tx, db), options)
    requireOwn(db, options.tx)
    return work(options.tx, db)
  }

  /** Closes what the service opened itself; a shared handle when its last user closes. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const opening = this.#opening
    if (opening === undefined || this.#given !== undefined) return
    const handle = this.#handle
    if (handle !== undefined) {
      handle.users -= 1
      if (handle.users > 0) return
      forget(handle)
    }
    const db = await opening.catch(() => undefined)
    await db?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #open(): Promise<IronDatabase> {
    const source = this.#source as string | URL
    const place = parseSource(source)
    if (place.dialect === 'sqlite' && place.file === ':memory:') return openDatabase(source, this.#options)
    const handle = sharedHandle(source, nameOfPlace(place))
    handle.users += 1
    this.#handle = handle
    // Each service that waited for it asks anew next time: a database that was down at the start comes back (OPS-02).
    handle.opening.catch(() => {
      if (this.#handle !== handle) return
      this.#handle = undefined
      this.#opening = undefined
    })
    return handle.opening
  }
}

/**
 * Runs `work` in a write and lets an intended refusal commit what rightly happened before it, such as overdue leases that
 * were ended (rulings R1). Inside the caller's transaction the refusal is thrown and the transaction stays usable; otherwise
 * it is thrown after the commit.
 */
export async function commitBeforeRefusing<T>(
  db: IronDatabase,
  isRefusal: (error: unknown) => boolean,
  work: (tx: WriteTx) => Promise<T>,
  options: WriteOptions = {},
): Promise<T> {
  if (options.tx !== undefined) {
    requireOwn(db, options.tx)
    return work(options.tx)
  }
  const outcome = await db.write<{ value: T } | { refusal: unknown }>(async (tx) => {
    try {
      return { value: await work(tx) }
    } catch (error) {
      if (isRefusal(error)) return { refusal: error }
      throw error
    }
  }, options)
  if ('refusal' in outcome) throw outcome.refusal
  return outcome.value
}

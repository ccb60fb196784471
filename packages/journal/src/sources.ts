import {
  type Clock,
  createIdSource,
  type DbSource,
  type IdSource,
  type ServiceOptions,
  systemClock,
} from '@iron/database'

/**
 * Where a service of the journal takes times and ids from without waiting for its database to open, so that an entry can be
 * deferred synchronously: its own options, else the handle it was given, else the system's.
 */
export interface Sources {
  readonly clock: Clock
  readonly ids: IdSource
}

/** Resolves the sources of a service. */
export function sourcesOf(source: DbSource, options: ServiceOptions = {}): Sources {
  const given = typeof source === 'string' || source instanceof URL ? undefined : source
  const clock = options.clock ?? given?.clock ?? systemClock
  return { clock, ids: options.ids ?? given?.ids ?? createIdSource(clock) }
}

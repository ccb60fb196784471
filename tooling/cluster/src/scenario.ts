/** What every script here is given and how it says that something does not hold. */
import { privatePostgres, type PrivatePostgresOptions, type PrivateService, privateRedis } from '@iron/test-kit'
import { type Cluster, startCluster } from './cluster.ts'
import type { Program } from './server.ts'

export interface Setting {
  readonly program: Program
  /** `short` is for every change, `full` for the figures. */
  readonly size: 'short' | 'full'
  readonly say: (text: string) => void
}

/** @throws {Violation} when what must hold does not */
export type Scenario = (setting: Setting) => Promise<void>

/** Three processes, and the services that a play may stop, pause and restart. */
export interface Stage {
  readonly cluster: Cluster
  readonly postgres: PrivateService
  readonly redis: PrivateService
}

/** A script on a stage; leaves it as it was found, so that one stage serves several. */
export interface Play {
  /** What every process is told, beside the settings of all. */
  readonly env: (size: Setting['size']) => Readonly<Record<string, string>>
  readonly perform: (stage: Stage, setting: Setting) => Promise<void>
}

/** Sets one stage for some plays and performs them in turn. */
export function staged(...plays: readonly Play[]): Scenario {
  return async (setting) => {
    await using stack = new AsyncDisposableStack()
    const postgres = stack.use(await ownPostgres(setting.size))
    const redis = stack.use(await privateRedis())
    const env = Object.assign({}, ...plays.map((play) => play.env(setting.size))) as Record<string, string>
    const cluster = stack.use(
      await startCluster({
        processes: 3,
        postgresUrl: postgres.url,
        redisUrl: redis.url,
        program: setting.program,
        env,
      }),
    )
    for (const play of plays) await play.perform({ cluster, postgres, redis }, setting)
  }
}

/** Something that must hold does not. */
export class Violation extends Error {}

export function hold(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new Violation(otherwise)
}

/** As in production: an acknowledged commit has reached the disk. */
const DURABLE: NonNullable<PrivatePostgresOptions['settings']> = {
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
}

/** A PostgreSQL that may be stopped and paused. */
export function ownPostgres(size: Setting['size']): Promise<PrivateService> {
  return privatePostgres(size === 'full' ? { settings: DURABLE } : {})
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Asks until it holds. @returns after how many milliseconds it did @throws {Violation} after `withinMs` */
export async function until(what: string, withinMs: number, holds: () => boolean | Promise<boolean>): Promise<number> {
  const began = performance.now()
  while (!(await holds())) {
    if (performance.now() - began > withinMs) throw new Violation(`${what}: not within ${withinMs} ms`)
    await sleep(50)
  }
  return performance.now() - began
}

/** One installation on either engine, whose server may be killed and started again. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createDatabase, installationSettings, type Program, RATE_LIMITS_OFF } from '@iron/cluster'
import type { Engine } from './engines.ts'

export interface Installation extends AsyncDisposable {
  readonly program: Program
  /** What every process of it is started with. */
  readonly env: Readonly<Record<string, string>>
}

/** An empty one. */
export async function createInstallation(engine: Engine, program: Program): Promise<Installation> {
  const place = await (engine.name === 'sqlite' ? ownFile() : createDatabase(engine.url))
  return {
    program,
    env: installationSettings(place.url, { ...RATE_LIMITS_OFF, IRON_SWEEP_SECONDS: '60' }),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  }
}

async function ownFile(): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-crash-'))
  return {
    url: `sqlite:${path.join(folder, 'iron.db')}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import type { KyselyPlugin } from 'kysely'
import { openDatabase } from '../../src/index.ts'
import { applyMigrations } from '../../src/migrate/apply.ts'
import type { MigrationHost } from '../../src/migrate/host.ts'
import { openEmpty } from './open-empty.ts'
import { addColumn, NEXT, NUMBERS, shipped } from './steps.ts'

const migrator = fileURLToPath(new URL('migrator.ts', import.meta.url))
const PROCESSES = 3

async function startMigrator(dialect: string, place: string): Promise<number[]> {
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--conditions=@iron/source', migrator, dialect, place])
  return JSON.parse(stdout) as number[]
}

describe.each(await enginesForTests())('DAT-01 processes that start at once on %s', (dialect) => {
  test('run each step once', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iron-migrate-'))
    const file = path.join(folder, 'iron.db')
    const steps = [...shipped, addColumn]
    try {
      await using database = await openEmpty(dialect, { file })
      const place =
        dialect === 'sqlite'
          ? file
          : (await database.rows<{ name: string }>('SELECT current_schema()::text AS name'))[0]?.name
      const applied = await Promise.all(
        Array.from({ length: PROCESSES }, () => startMigrator(dialect, place as string)),
      )
      expect(applied.flat().sort()).toEqual([...NUMBERS, NEXT])
      expect(await applyMigrations(database.host, { mode: 'verify', appVersion: '0.0.0', steps })).toEqual({
        applied: [],
        version: NEXT,
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('one that runs a step while another looks does not make the schema look wrong', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iron-migrate-'))
    const file = path.join(folder, 'iron.db')
    try {
      await using one = await openEmpty(dialect, { file })
      await applyMigrations(one.host, { mode: 'apply', appVersion: '0.0.0', steps: shipped })
      const [row] =
        dialect === 'postgres' ? await one.rows<{ name: string }>('SELECT current_schema()::text AS name') : []
      await using two = await openEmpty(dialect, row === undefined ? { file } : { schema: row.name })
      const options = { mode: 'apply', appVersion: '0.0.0', steps: [...shipped, addColumn] } as const
      // After the first answer that tells the recorded steps, and before the schema is read.
      let other: Promise<unknown> | undefined
      const interrupting: KyselyPlugin = {
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => {
          if (result.rows.some((found) => 'schemaHash' in found)) await (other ??= applyMigrations(two.host, options))
          return result
        },
      }
      const host: MigrationHost = { ...one.host, exclusive: (work) => work(one.db.withPlugin(interrupting)) }
      expect(await applyMigrations(host, options)).toEqual({ applied: [], version: NEXT })
      expect(await other).toEqual({ applied: [NEXT], version: NEXT })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  if (dialect === 'postgres') {
    test('two connections of one process too', async () => {
      await using one = await openEmpty('postgres')
      const [row] = await one.rows<{ name: string }>('SELECT current_schema()::text AS name')
      await using two = await openEmpty('postgres', { schema: row?.name as string })
      const options = { mode: 'apply', appVersion: '0.0.0', steps: [...shipped, addColumn] } as const
      const outcomes = await Promise.all([applyMigrations(one.host, options), applyMigrations(two.host, options)])
      expect(outcomes.flatMap(({ applied }) => applied).sort()).toEqual([...NUMBERS, NEXT])
    })
  }
})

test('DAT-01 two handles of one process that open a new SQLite file at once do not wait for each other', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-migrate-'))
  const file = path.join(folder, 'iron.db')
  try {
    const handles = [openDatabase(file), openDatabase(file, { busyTimeoutMs: 0 })]
    const [one, two] = await Promise.all(handles)
    for (const key of ['one', 'two']) {
      await (key === 'one' ? one : two)?.write((tx) => tx.sql.insertInto('meta').values({ key, value: 'v' }).execute())
    }
    await one?.close()
    await two?.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** What is built anew when a file changes: steps of the database are built into the packages, and have no build of their own. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { runProgram } from '../src/run-program.ts'
import { repository } from './temporary-folder.ts'

const DRY_RUN_TIMEOUT_MS = 60_000

interface DryRun {
  readonly tasks: readonly {
    readonly taskId: string
    readonly inputs: Readonly<Record<string, string>>
    readonly dependents: readonly string[]
  }[]
}

test(
  'every source file of the migrations is part of what the database is built from',
  async () => {
    const args = ['tooling/dev/turbo.mjs', 'run', 'build:js', 'build:types', '--dry=json', '--filter=@iron/database']
    const { stdout } = await runProgram(process.execPath, args, { cwd: repository })
    const { tasks } = JSON.parse(stdout) as DryRun
    const migrations = tasks.find(({ taskId }) => taskId === '@iron/migrations#build:js')
    expect(migrations?.dependents).toContain('@iron/database#build:js')
    const sources = readdirSync(path.join(repository, 'migrations'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('node_modules'),
    )
    expect(sources.length).toBeGreaterThan(10)
    expect(Object.keys(migrations?.inputs ?? {})).toEqual(expect.arrayContaining(sources))
  },
  DRY_RUN_TIMEOUT_MS,
)

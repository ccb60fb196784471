import { Command } from 'commander'
import { EXIT_CODES, loadConfig } from '@iron/control-api/development'
import { clean } from './commands/clean.ts'
import { sayBackup, restore } from './commands/backup.ts'
import { dev } from './commands/dev.ts'
import { installHooks, preCommit, uninstallHooks } from './commands/hooks.ts'
import { inspect } from './commands/inspect.ts'
import { writeReference } from './commands/reference.ts'
import { reset } from './commands/reset.ts'
import { sayCredentials, seedFile } from './commands/seed.ts'
import { showSchema, showTables, showTokens, showUsage, showUsers } from './commands/show.ts'
import { validate, type ValidateOptions, type ValidatorName } from './commands/validate.ts'
import { localFile } from './database-file.ts'
import { IRON, runNode } from './run-program.ts'
import { say } from './say.ts'

const EVERYTHING: readonly ValidatorName[] = ['validate:paths', 'validate:schema', 'validate:seed']

/** Every command with its words for `--help`. */
export function createProgram(): Command {
  const program = new Command('pnpm')
    .description("Iron's development database and checks; DATABASE_URL names another SQLite file than ./iron.db")
    .addHelpText('after', '\nExit codes: 0 done, 1 findings or failure, 2 wrong use, 3 refused.')
    .exitOverride()
  const add = (name: string, does: string, run: () => Promise<void>): void =>
    void program.command(name).description(does).action(run)
  add('dev', 'run the server on ./iron.db, again after each change of a source', dev)
  add('dev:fresh', 'a new, seeded, validated database', devFresh)
  add('dev:fresh:test', 'dev:fresh, then every test', async () => {
    await devFresh()
    if (process.exitCode === undefined) await node(['tooling/dev/test.mjs'])
  })
  add('db:reset', 'back up, delete and create the database', reset)
  add('db:migrate', "bring the database to this version's schema", () => node([...IRON, 'migrate']))
  add('db:seed', 'fill an empty database with the demo', seedFile)
  add('db:reset-seed', 'db:reset, then db:seed', resetSeed)
  add('db:verify', 'recompute ledger and audit chain', () => node([...IRON, 'verify']))
  add('db:schema', 'print the schema', showSchema)
  add('db:tables', 'print the tables with their numbers of rows', showTables)
  add('db:users', 'print the users', showUsers)
  add('db:tokens', 'print the API tokens, without secrets', showTokens)
  add('db:usage', 'print usage by token and agent', showUsage)
  program
    .command('db:inspect')
    .argument('[sql]', 'one statement; without it a prompt')
    .description('read-only SQL')
    .action((sql: string | undefined) => inspect(localFile(loadConfig()), sql))
  program
    .command('db:backup')
    .argument('[file]', 'default: backups/iron_<time>.db')
    .description('copy the database while it is in use')
    .action(sayBackup)
  program
    .command('db:restore')
    .argument('<file>')
    .description('put a backup in the place of the database')
    .action(restore)
  program.command('db:clean').option('--yes', 'do not ask').description('delete the database').action(clean)
  const validators: readonly (readonly [string, readonly ValidatorName[]])[] = [
    ['db:validate', EVERYTHING],
    ...EVERYTHING.map((name) => [name, [name]] as const),
  ]
  for (const [name, names] of validators) {
    const command = program
      .command(name)
      .description(`run ${names.join(', ')}`)
      .option('--json', 'print the findings as JSON')
    if (names.includes('validate:paths')) command.option('--staged', 'look at what git has staged')
    command.action((options: ValidateOptions) => validate(names, options))
  }
  add('seed:reference', 'write tooling/seed-reference.md anew', writeReference)
  add('hooks:install', "switch git's pre-commit check on", installHooks)
  add('hooks:uninstall', 'switch it off', uninstallHooks)
  add('hooks:pre-commit', 'what the hook runs', preCommit)
  return program
}

async function resetSeed(): Promise<void> {
  await reset()
  await seedFile()
}

async function devFresh(): Promise<void> {
  await resetSeed()
  await validate(EVERYTHING, {})
  if (process.exitCode !== undefined) return
  sayCredentials()
  say('\nNext      npx --yes pnpm@12 dev')
}

async function node(args: readonly string[]): Promise<void> {
  const code = await runNode(args)
  if (code !== EXIT_CODES.done) process.exitCode = code
}

import type { Command } from 'commander'

/** `iron migrate …`. */
export function addMigrate(program: Command): void {
  const migrate = program
    .command('migrate')
    .description("migrate the database's schema, or compare it with this version's")
  migrate
    .command('up', { isDefault: true })
    .description("bring the database to this version's schema (also without a subcommand)")
    .option('--json', 'print the version and what ran as JSON')
    .action(async (options: object) => (await import('../commands/migrate.ts')).migrateUp(options))
  migrate
    .command('status')
    .description('list the steps that have not run, or say why the schema is refused; changes nothing')
    .option('--json', 'print the state as JSON')
    .action(async (options: object) => (await import('../commands/migrate.ts')).migrateStatus(options))
}

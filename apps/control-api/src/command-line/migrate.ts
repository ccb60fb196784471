import type { Command } from 'commander'

/** `iron migrate …`. */
export function addMigrate(program: Command): void {
  const migrate = program.command('migrate').description("the database's schema against this version's")
  migrate
    .command('up', { isDefault: true })
    .description("bring the database to this version's schema (also without a subcommand)")
    .option('--json', 'print the version and what ran as JSON')
    .action(async (options: object) => (await import('../commands/migrate.ts')).migrateUp(options))
  migrate
    .command('status')
    .description('name the steps that have not run, or why the schema is refused; changes nothing')
    .option('--json', 'print the state as JSON')
    .action(async (options: object) => (await import('../commands/migrate.ts')).migrateStatus(options))
}

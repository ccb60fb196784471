import type { Command } from 'commander'

/** `iron migrate`. */
export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description("bring the database to this version's schema")
    .action(async () => (await import('../commands/migrate.ts')).runMigrations())
}

import type { Command } from 'commander'
import { repeatable } from './option-values.ts'

/** `iron backup`, `iron restore`, `iron copy`. */
export function addBackup(program: Command): void {
  program
    .command('backup <place>')
    .description('write the database, in use or not, to a new SQLite file with a name card, and verify it')
    .option('--from <url>', 'the database (default: DATABASE_URL)')
    .option('--json', 'print the name card as JSON')
    .addHelpText('after', '\n<place> is a file, or a folder in which the file is named by the time.')
    .action(async (place: string, options: object) => (await import('../commands/backup.ts')).backup(place, options))
  program
    .command('restore <file>')
    .description('check a backup against its name card and restore it into an empty database')
    .option('--to <url>', 'the database to fill (default: IRON_MIGRATE_DATABASE_URL or DATABASE_URL)')
    .option('--expect <head>', 'a head kept elsewhere, as of iron verify; repeatable', repeatable, [])
    .option('--expect-file <file>', 'heads as iron verify --save-heads wrote them')
    .option('--without-card', 'restore a file whose name card is lost, if its chains are sound')
    .option('--json', 'print the findings in the restored database as JSON')
    .action(async (file: string, options: object) => (await import('../commands/restore.ts')).restore(file, options))
  program
    .command('copy')
    .description('copy an installation into an empty database of either engine, verified on both sides')
    .requiredOption('--from <url>', 'for example sqlite:./iron.db; it is read in one snapshot and not changed')
    .requiredOption('--to <url>', 'for example postgres://iron@db.internal/iron; its role must own the tables')
    .option('--json', 'print the findings in the copy as JSON')
    .action(async (options: { from: string; to: string }) => (await import('../commands/copy.ts')).copy(options))
}

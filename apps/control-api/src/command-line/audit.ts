import type { Command } from 'commander'
import { wholeNumber } from './option-values.ts'

/** `iron audit …`. */
export function addAudit(program: Command): void {
  const audit = program.command('audit').description('export the audit log, or verify an export')
  audit
    .command('export')
    .description('write the entries to stdout, one line of JSON each')
    .option('--after <seq>', 'only the entries after this number', wholeNumber)
    .action(async (options: object) => (await import('../commands/audit.ts')).exportAudit(options))
  audit
    .command('verify <file>')
    .description('check the chain of an export without a database; - reads stdin')
    .option('--after <head>', 'for a part: <seq>:<hash> of the entry before its first line')
    .option('--expect <head>', '<seq>:<hash> of an entry that must be there')
    .option('--json', 'print the result as JSON')
    .action(async (file: string, options: object) => (await import('../commands/audit.ts')).verifyAudit(file, options))
}

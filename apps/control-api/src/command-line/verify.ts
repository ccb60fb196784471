import type { Command } from 'commander'
import { repeatable } from './option-values.ts'

/** `iron verify`. */
export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('recompute every balance from the ledger and check both hash chains; changes nothing')
    .option(
      '--expect <head>',
      'a head kept elsewhere: <seq>:<hash> of the audit log, <agent id>:<seq>:<hash> of a ledger; repeatable',
      repeatable,
      [],
    )
    .option('--expect-file <file>', 'heads as --save-heads wrote them')
    .option('--save-heads <file>', 'write the heads of all chains there when everything is sound')
    .option('--json', 'print the findings as JSON')
    .action(async (options: object) => (await import('../commands/verify.ts')).verify(options))
}

import type { Command } from 'commander'
import { wholeNumberFrom } from './option-values.ts'

/** `iron vault …`. */
export function addVault(program: Command): void {
  const vault = program
    .command('vault')
    .description('generate the secrets of an installation, or rotate its master key')
  vault
    .command('generate')
    .description('print a fresh JWT_SECRET, IC_TOKEN_SECRET and IRON_MASTER_KEYS')
    .action(async () => (await import('../commands/vault.ts')).printSecrets())
  vault
    .command('rewrap')
    .description('re-encrypt every provider key with the first of IRON_MASTER_KEYS, while servers run')
    .option('--batch <count>', 'keys in one transaction (default 500)', wholeNumberFrom(1))
    .action(async (options: object) => (await import('../commands/rewrap.ts')).rewrapVault(options))
}

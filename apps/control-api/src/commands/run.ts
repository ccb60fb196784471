import { Command } from 'commander'
import { ConfigError } from '../config.ts'
import { safeText } from '../observability/logger.ts'

/** Exit codes: 1 findings or failure, 2 wrong use. */
const FAILURE = 1
const WRONG_USE = 2

/** Reads the command line and runs the command. What a command needs is loaded with it. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('iron').description('Control plane for LLM agents').showHelpAfterError()
  program
    .command('serve', { isDefault: true })
    .description('run the control API')
    .action(async () => (await import('./serve.ts')).serve())
  program
    .command('migrate')
    .description("bring the database to this version's schema")
    .action(async () => (await import('./migrate.ts')).runMigrations())
  program
    .command('verify')
    .description('recompute every balance from the ledger and check both hash chains')
    .action(async () => (await import('./verify.ts')).verify())
  program
    .command('demo')
    .description('play the worked session against a server of its own')
    .action(async () => (await import('./demo.ts')).demo())
  const admin = program.command('admin').description('for the operator who is locked out: works on the database itself')
  admin
    .command('create <email>')
    .description('create an admin; the password is generated and shown once, or read from stdin')
    .option('--username <name>', 'default: what stands before the @')
    .option('--name <text>', 'display name')
    .option('--password-stdin', 'read the password from stdin')
    .action(async (email: string, options: object) => (await import('./admin.ts')).createAdmin(email, options))
  admin
    .command('reset-password <email>')
    .description('set a new password, to be changed at the next login; sessions end, the lock is lifted')
    .option('--password-stdin', 'read the password from stdin')
    .action(async (email: string, options: object) => (await import('./admin.ts')).resetPassword(email, options))
  admin
    .command('unlock <email>')
    .description('lift the lock of too many failed logins')
    .action(async (email: string) => (await import('./admin.ts')).unlock(email))
  const vault = program.command('vault').description('the secrets of an installation')
  vault
    .command('generate')
    .description('print a fresh JWT_SECRET, IC_TOKEN_SECRET and IRON_MASTER_KEYS')
    .action(async () => (await import('./vault.ts')).printSecrets())
  try {
    await program.parseAsync([...argv])
  } catch (error) {
    process.stderr.write(`iron: ${describe(error)}\n`)
    process.exitCode = error instanceof ConfigError ? WRONG_USE : FAILURE
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return safeText(String(error))
  const reason = 'details' in error ? ` ${JSON.stringify(error.details)}` : ''
  return safeText(`${error.message}${reason === ' {}' ? '' : reason}`)
}

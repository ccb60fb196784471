import { Command, InvalidArgumentError } from 'commander'
import { ConfigError } from '../config.ts'
import { safeText } from '../observability/logger.ts'

/** Exit codes: 1 findings or failure, 2 wrong use. */
const FAILURE = 1
const WRONG_USE = 2

/** Reads the command line and runs the command. What a command needs is loaded with it. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('iron').description('Control plane for LLM agents').showHelpAfterError()
  addServer(program)
  addVerify(program)
  addAudit(program)
  addAdmin(program)
  addVault(program)
  try {
    await program.parseAsync([...argv])
  } catch (error) {
    process.stderr.write(`iron: ${describe(error)}\n`)
    process.exitCode = error instanceof ConfigError ? WRONG_USE : FAILURE
  }
}

function addServer(program: Command): void {
  program
    .command('serve', { isDefault: true })
    .description('run the control API')
    .action(async () => (await import('./serve.ts')).serve())
  program
    .command('migrate')
    .description("bring the database to this version's schema")
    .action(async () => (await import('./migrate.ts')).runMigrations())
  program
    .command('demo')
    .description('play the worked session against a server of its own')
    .action(async () => (await import('./demo.ts')).demo())
}

function addVerify(program: Command): void {
  program
    .command('verify')
    .description('recompute every balance from the ledger and check both hash chains; changes nothing')
    .option(
      '--expect <head>',
      'a head kept elsewhere: <seq>:<hash> of the audit log, <agent id>:<seq>:<hash> of a ledger; repeatable',
      (head: string, heads: string[]) => [...heads, head],
      [],
    )
    .option('--expect-file <file>', 'heads as --save-heads wrote them')
    .option('--save-heads <file>', 'write the heads of all chains there when everything is sound')
    .option('--json', 'print the findings as JSON')
    .action(async (options: object) => (await import('./verify.ts')).verify(options))
}

function addAudit(program: Command): void {
  const audit = program.command('audit').description('the audit log outside of its database')
  audit
    .command('export')
    .description('write the entries to stdout, one line of JSON each')
    .option('--after <seq>', 'only the entries after this number', wholeNumber)
    .action(async (options: object) => (await import('./audit.ts')).exportAudit(options))
  audit
    .command('verify <file>')
    .description('check the chain of an export without a database; - reads stdin')
    .option('--after <head>', 'for a part: <seq>:<hash> of the entry before its first line')
    .option('--expect <head>', '<seq>:<hash> of an entry that must be there')
    .option('--json', 'print the result as JSON')
    .action(async (file: string, options: object) => (await import('./audit.ts')).verifyAudit(file, options))
}

function addAdmin(program: Command): void {
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
}

function addVault(program: Command): void {
  const vault = program.command('vault').description('the secrets of an installation')
  vault
    .command('generate')
    .description('print a fresh JWT_SECRET, IC_TOKEN_SECRET and IRON_MASTER_KEYS')
    .action(async () => (await import('./vault.ts')).printSecrets())
  vault
    .command('rewrap')
    .description('seal every provider key anew with the first of IRON_MASTER_KEYS, beside running servers')
    .option('--batch <count>', 'keys in one transaction (default 500)', wholeNumber)
    .action(async (options: object) => (await import('./rewrap.ts')).rewrapVault(options))
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return safeText(String(error))
  const reason = 'details' in error ? ` ${JSON.stringify(error.details)}` : ''
  return safeText(`${error.message}${reason === ' {}' ? '' : reason}`)
}

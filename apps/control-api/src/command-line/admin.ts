import type { Command } from 'commander'

/** `iron admin …`. */
export function addAdmin(program: Command): void {
  const admin = program.command('admin').description('recover from a lockout, directly on the database')
  admin
    .command('create <email>')
    .description('create an admin; the password is generated and shown once, or read from stdin')
    .option('--username <name>', 'default: the part before the @')
    .option('--name <text>', 'display name')
    .option('--password-stdin', 'read the password from stdin')
    .action(async (email: string, options: object) =>
      (await import('../commands/admin.ts')).createAdmin(email, options),
    )
  admin
    .command('reset-password <email>')
    .description('set a new password, to be changed at the next login; sessions end, the lock is lifted')
    .option('--password-stdin', 'read the password from stdin')
    .action(async (email: string, options: object) =>
      (await import('../commands/admin.ts')).resetPassword(email, options),
    )
  admin
    .command('unlock <email>')
    .description('lift the lock after too many failed logins')
    .action(async (email: string) => (await import('../commands/admin.ts')).unlock(email))
}

import { Command } from 'commander'
import { version } from '../version.ts'
import { addAdmin } from './admin.ts'
import { addAudit } from './audit.ts'
import { addBackup } from './backup.ts'
import { addMigrate } from './migrate.ts'
import { addRemote } from './remote.ts'
import { addSeed } from './seed.ts'
import { addServer } from './server.ts'
import { addVault } from './vault.ts'
import { addVerify } from './verify.ts'

/** The whole command line. What a command needs is loaded when it runs, so that `--help` answers at once. */
export function createProgram(): Command {
  const program = new Command('iron')
    .description('Control plane for LLM agents')
    .version(version, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('(see --help)')
    .addHelpText('after', '\nExit codes: 0 done, 1 findings or failure, 2 wrong use, 3 refused.')
    // Before the commands, which inherit it: errors are thrown to whoever runs the program.
    .exitOverride()
  const commands = [addServer, addMigrate, addSeed, addVerify, addBackup, addAudit, addAdmin, addVault, addRemote]
  for (const add of commands) add(program)
  return program
}

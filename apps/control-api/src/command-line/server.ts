import type { Command } from 'commander'

/** `iron serve`, `iron demo`. */
export function addServer(program: Command): void {
  program
    .command('serve')
    .description('run the control API (also without any command)')
    .action(async () => (await import('../commands/serve.ts')).serve())
  program
    .command('demo')
    .description('play the worked session against a server of its own')
    .action(async () => (await import('../commands/demo.ts')).demo())
}

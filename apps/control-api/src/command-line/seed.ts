import type { Command } from 'commander'

/** `iron seed`. */
export function addSeed(program: Command): void {
  program
    .command('seed')
    .description('fill an empty development database with three people, five agents and two weeks of calls')
    .action(async () => (await import('../commands/seed.ts')).seedConfigured())
}

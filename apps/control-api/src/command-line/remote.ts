import { type Command, Option } from 'commander'
import { commaList, repeatable, wholeNumberFrom } from './option-values.ts'

/** Rows that a list shows unless it is told otherwise. */
const ROWS_SHOWN = 50

/** The commands that talk to a server with an API token. */
export function addRemote(program: Command): void {
  addAgents(program)
  addTokens(program)
  addBudget(program)
  addLive(program)
}

function addAgents(program: Command): void {
  const agents = program.command('agents').description('list and show the agents of a server')
  toServer(agents.command('list'))
    .description('list agents, newest first')
    .option('--name <text>', 'only those whose name contains it')
    .addOption(new Option('--status <status>', 'default: active').choices(['active', 'archived']))
    .option('--owner <user id>', 'only those of one person')
    .option('--limit <rows>', 'how many', wholeNumberFrom(1), ROWS_SHOWN)
    .option('--json', 'print the agents as JSON')
    .action(async (options: { limit: number }) => (await import('../commands/agents.ts')).listAgents(options))
  toServer(agents.command('show <agent>'))
    .description('show an agent')
    .option('--json', 'print it as JSON')
    .action(async (agent: string, options: object) => (await import('../commands/agents.ts')).showAgent(agent, options))
}

function addTokens(program: Command): void {
  const tokens = program.command('tokens').description('list the API tokens of a server')
  toServer(tokens.command('list'))
    .description('list API tokens without their secrets, newest first')
    .option('--name <text>', 'only those whose name contains it')
    .addOption(new Option('--status <status>', 'default: all').choices(['active', 'expired', 'revoked']))
    .option('--limit <rows>', 'how many', wholeNumberFrom(1), ROWS_SHOWN)
    .option('--json', 'print the tokens as JSON')
    .action(async (options: { limit: number }) => (await import('../commands/tokens.ts')).listTokens(options))
}

function addBudget(program: Command): void {
  const budget = program.command('budget').description('show the budget of an agent and its ledger')
  toServer(budget.command('show <agent>'))
    .description('show what is allocated, spent, reserved and left')
    .option('--json', 'print it as JSON')
    .action(async (agent: string, options: object) =>
      (await import('../commands/budget.ts')).showBudget(agent, options),
    )
  toServer(budget.command('ledger <agent>'))
    .description('list the newest rows of its ledger')
    .option('--lease <lease id>', 'only those of one lease')
    .option('--limit <rows>', 'how many, at most 1000', wholeNumberFrom(1, 1_000), ROWS_SHOWN)
    .option('--json', 'print the rows as JSON')
    .action(async (agent: string, options: { limit: number }) =>
      (await import('../commands/budget.ts')).showLedger(agent, options),
    )
}

function addLive(program: Command): void {
  toServer(program.command('watch'))
    .description('print live events as they happen; resumes after a lost connection')
    .option('--types <list>', 'only these, such as lease.granted,budget.*', commaList, [])
    .option('--agent <id>', 'only those of one agent; repeatable', repeatable, [])
    .option('--since <seq>', 'first the events after this one', wholeNumberFrom(0))
    .option('--count <events>', 'end after so many', wholeNumberFrom(1))
    .option('--json', 'print every event as one line of JSON')
    .action(async (options: { types: string[]; agent: string[] }) =>
      (await import('../commands/watch.ts')).watch(options),
    )
  toServer(program.command('top'))
    .description('show the agents that spent the most; refreshed in a terminal, printed once otherwise')
    .option('--rows <agents>', 'how many, at most 100', wholeNumberFrom(1, 100), 20)
    .option('--interval <seconds>', 'between two looks', wholeNumberFrom(1, 3_600), 2)
    .option('--json', 'print them once, as JSON')
    .action(async (options: { rows: number; interval: number }) => (await import('../commands/top.ts')).top(options))
}

function toServer(command: Command): Command {
  return command
    .option('--url <address>', 'the server (default: IRON_URL or http://127.0.0.1:3000)')
    .option('--token <token>', 'an API token (default: IRON_TOKEN, which others on this machine cannot read)')
}

/**
 * The day every runtime must survive: the control plane dies while an agent works, the agent goes on inside its lease, waits
 * when that is used up, and goes on when the control plane is back; afterwards the ledger has every call exactly once.
 */
import { startProcess } from '@iron/test-kit'
import { openStage, type Stage } from './stage.ts'

/** A whole agent run with a restart of the server, on a busy machine. */
const PATIENCE_MS = 90_000

/** What was found afterwards; money in US dollars. */
export interface Outcome {
  /** Exit code of the agent. */
  readonly code: number | null
  readonly output: string
  /** What the provider has billed. */
  readonly billed: { readonly calls: number; readonly usd: number }
  /** What the ledger says. */
  readonly ledger: { readonly spent_usd: number; readonly reserved_usd: number }
}

export interface OutageOptions {
  readonly cwd: string
  readonly say?: (line: string) => void
  /** Called when the agent waits for a control plane that is gone, before it comes back. */
  readonly meanwhile?: (stage: Stage) => Promise<void>
  /** Called at the end, before the stage is cleared. */
  readonly afterwards?: (stage: Stage) => Promise<void>
}

/** The variables by which an agent finds its way around a stage. */
export function agentEnvironment(stage: Stage): Readonly<Record<string, string>> {
  return {
    IRON_URL: stage.address,
    IC_TOKEN: stage.icToken,
    JOURNAL: `${stage.folder}/journal`,
    LLM_URL: stage.llm.baseUrl,
    LLM_API_KEY: stage.llm.apiKey,
  }
}

/** Runs an agent's program through an outage. It says `call <n> …` after each call and `waiting …` when it cannot go on. */
export async function playOutage(program: string, args: readonly string[], options: OutageOptions): Promise<Outcome> {
  const say = options.say ?? (() => undefined)
  await using stage = await openStage()
  say(`-- Iron serves ${stage.address}; the agent has 1 USD`)
  // The agent can get no further than this before Iron is gone, however busy the machine is.
  const release = stage.llm.hold(2)
  await using agent = await startProcess(program, args, { cwd: options.cwd, env: agentEnvironment(stage) })
  let shown = 0
  const show = (): void => {
    const lines = agent.stdout.slice(shown)
    shown += lines.length
    for (const line of lines.split('\n').filter(Boolean)) say(`   ${line}`)
  }
  const patience = { timeoutMs: PATIENCE_MS }

  await agent.waitFor(/^call 2\b/m, patience)
  await stage.takeAway()
  release()
  show()
  say('-- Iron is gone (kill -9)')
  await agent.waitFor(/^waiting\b/m, patience)
  await options.meanwhile?.(stage)
  show()
  say('-- Iron comes back')
  await stage.bringBack()
  const { code } = await agent.exited
  show()
  if (agent.stderr !== '') say(agent.stderr)

  const { spent_usd, reserved_usd } = await stage.balance()
  const billed = { calls: stage.llm.billed.calls, usd: stage.llm.billed.costMicros / 1e6 }
  say(
    `-- the provider billed ${billed.usd} USD for ${billed.calls} calls; the ledger says ${spent_usd} USD spent, ${reserved_usd} reserved`,
  )
  await options.afterwards?.(stage)
  return { code, output: agent.stdout + agent.stderr, billed, ledger: { spent_usd, reserved_usd } }
}

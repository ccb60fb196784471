/** The other end: an agent whose budget is nearly used up gets smaller leases, and stops when the rest does not cover a call. */
import { startProcess } from '@iron/test-kit'
import { agentEnvironment } from './outage.ts'
import type { Stage } from './stage.ts'

/** What the agent still has: more than a lease, less than its calls cost. */
const LEFT_USD = 0.03
/** The most that a call of the examples may cost, with room for a longer question. */
const CALL_USD = 0.0045

/** What must be found after {@link playEndOfBudget}. */
export const END_OF_BUDGET = {
  code: 1,
  saysWhy: true,
  ledgerIsTrue: true,
  isHeld: false,
  isExceeded: false,
  couldCallOnceMore: false,
}

/** Lowers the budget of the stage's agent to a little above what it has spent, and runs the agent until it stops. */
export async function playEndOfBudget(
  stage: Stage,
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<typeof END_OF_BUDGET> {
  const { spent_usd: before } = await stage.balance()
  const allocated_usd = Math.round((before + LEFT_USD) * 1e6) / 1e6
  await stage.admin('PUT', `/agents/${stage.agentId}/budget`, { allocated_usd, force: true })
  await using agent = await startProcess(program, args, { cwd, env: agentEnvironment(stage) })
  const { code } = await agent.exited
  const { spent_usd, reserved_usd } = await stage.balance()
  return {
    code: code ?? -1,
    saysWhy: agent.stderr.includes('BUDGET_EXCEEDED'),
    ledgerIsTrue: spent_usd === stage.llm.billed.costMicros / 1e6,
    isHeld: reserved_usd > 0,
    isExceeded: spent_usd > allocated_usd,
    couldCallOnceMore: allocated_usd - spent_usd >= CALL_USD,
  }
}

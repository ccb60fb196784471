import { toUsd, ZERO } from '@iron/cost-calculator'
import type { IdSource, WriteTx } from '@iron/database'
import type { IcTokenManager } from '@iron/ic-token'
import { type ActorRef, actorIdOf, type AuditLog } from '@iron/journal'
import type { AgentBudgetManager } from '@iron/lease-manager'
import type { ProviderCatalog } from '@iron/token-manager'
import { type Agent, agentOf } from '../agent.ts'
import { AgentError } from '../errors.ts'
import type { IssuedIcToken } from '../ic-tokens/ic-token-info.ts'
import { issueIcToken } from '../ic-tokens/issue-ic-token.ts'
import type { CheckedAgent, NewAgent } from '../new-agent.ts'
import { assignProvider, findAgentRow, insertAgent } from './agent-rows.ts'

/** The services a new agent touches. */
export interface CreateParts {
  readonly icTokens: IcTokenManager
  readonly providers: ProviderCatalog
  readonly budgets: AgentBudgetManager
  readonly audit: AuditLog
  readonly ids: IdSource
}

/** Writes agent, budget, providers, IC token and first ledger row in the caller's transaction. */
export async function createAgent(
  tx: WriteTx,
  input: NewAgent,
  checked: CheckedAgent,
  context: { readonly parts: CreateParts; readonly actor: ActorRef; readonly now: number },
): Promise<{ readonly agent: Agent; readonly icToken: IssuedIcToken }> {
  const { parts, actor, now } = context
  await refuseUnknownProviders(tx, parts.providers, checked.providerIds)
  const id = parts.ids.next('agent')
  const allocated = input.allocated ?? ZERO
  const budget = await parts.budgets.create(id, allocated, { ownerId: input.ownerId, actor, tx })
  await insertAgent.run(tx, {
    id,
    name: checked.name,
    description: checked.description,
    tags: JSON.stringify(checked.tags),
    now,
  })
  for (const [position, providerId] of checked.providerIds.entries()) {
    await assignProvider.run(tx, { agentId: id, providerId, position, now })
  }
  const agentRef = { id, budgetId: budget.budgetId }
  const issuing = { icTokens: parts.icTokens, id: parts.ids.next('ic'), now, issuedBy: actorIdOf(actor) }
  const icToken = await issueIcToken(tx, agentRef, checked.icToken, issuing)
  parts.audit.defer(
    {
      operation: 'AGENT_CREATED',
      resourceType: 'agent',
      resourceId: id,
      actor,
      changes: {
        after: {
          name: checked.name,
          description: checked.description,
          owner_id: input.ownerId,
          tags: checked.tags,
          provider_ids: checked.providerIds,
          allocated_usd: toUsd(allocated),
        },
      },
    },
    { tx },
  )
  parts.audit.defer(
    {
      operation: 'IC_TOKEN_CREATED',
      resourceType: 'ic_token',
      resourceId: icToken.id,
      actor,
      metadata: { agent_id: id, permissions: [...icToken.permissions] },
    },
    { tx },
  )
  const row = await findAgentRow(tx, id)
  if (row === undefined) throw new Error('an agent that was just inserted is missing')
  return { agent: agentOf(row, { ...budget, agentName: checked.name }, checked.providerIds), icToken }
}

async function refuseUnknownProviders(tx: WriteTx, providers: ProviderCatalog, ids: readonly string[]): Promise<void> {
  const missing: string[] = []
  for (const id of ids) if ((await providers.get(id, { tx })) === undefined) missing.push(id)
  if (missing.length > 0) {
    throw new AgentError('INVALID_PROVIDER_ID', 'some providers do not exist', { details: { missing } })
  }
}

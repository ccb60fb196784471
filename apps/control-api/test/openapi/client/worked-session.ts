/** The worked session of http-api 6, played with a client that is generated from the document. */
import createClient from 'openapi-fetch'
import type { components, paths } from './generated/api.ts'

type Balance = components['schemas']['Balance']

/** The figures of a step: allocated, reserved, spent and remaining dollars. */
export type Step = readonly [name: string, allocated: number, reserved: number, spent: number, remaining: number]

/** What was played. */
export interface Played {
  readonly steps: readonly Step[]
  /** What a handshake above the budget is refused with. */
  readonly refusal: { readonly code: string; readonly spent: number; readonly limit: number } | undefined
  readonly ledger: readonly string[]
}

/** Plays it. @throws Error at the first answer that is no success */
export async function playWithGeneratedClient(baseUrl: string, email: string, password: string): Promise<Played> {
  const steps: Step[] = []
  const note = (name: string, { allocated_usd, reserved_usd, spent_usd, remaining_usd }: Balance): void => {
    steps.push([name, allocated_usd, reserved_usd, spent_usd, remaining_usd])
  }
  const api = createClient<paths>({ baseUrl })

  const login = must(await api.POST('/auth/login', { body: { email, password } }))
  const admin = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${login.access_token}` } })
  const provider = must(
    await admin.POST('/providers', {
      body: {
        name: 'openai-main',
        kind: 'openai',
        base_url: 'https://api.openai.com/v1',
        models: ['demo-large'],
      },
    }),
  )
  must(
    await admin.POST('/providers/{id}/keys', {
      params: { path: { id: provider.id } },
      body: { api_key: 'sk-demo-0123456789abcdef' },
    }),
  )
  const agent = must(
    await admin.POST('/agents', {
      params: { header: { 'Idempotency-Key': 'research-bot' } },
      body: { name: 'research-bot', provider_ids: [provider.id], allocated_usd: 100 },
    }),
  )
  note('agent', agent.budget)

  const runtime = createClient<paths>({ baseUrl, headers: { 'X-IC-Token': agent.ic_token.token ?? '' } })
  const lease = must(await runtime.POST('/budget/handshake', { body: { requested_usd: 10, runtime_id: 'worker-1' } }))
  note('handshake', lease.budget)
  const call = { lease_id: lease.lease_id, model: 'demo-large' }
  const first = must(await runtime.POST('/budget/report', { body: { ...call, request_id: 'call-1', cost_usd: 3 } }))
  note('report', first.budget)
  const counted = { ...call, request_id: 'call-2', input_tokens: 400_000, output_tokens: 50_000 }
  const second = must(await runtime.POST('/budget/report', { body: counted }))
  note(second.pricing, second.budget)
  const again = must(await runtime.POST('/budget/report', { body: counted }))
  note(`duplicate ${String(again.duplicate)}`, again.budget)
  const next = must(await runtime.POST('/budget/refresh', { body: { lease_id: lease.lease_id, requested_usd: 20 } }))
  note(next.previous_lease.status, next.budget)
  const returned = must(await runtime.POST('/budget/return', { body: { lease_id: next.lease_id, spent_usd: 0 } }))
  note(returned.status, returned.budget)

  const { data, pagination } = must(await runtime.GET('/budget', { params: { query: { per_page: 10 } } }))
  if (data[0] !== undefined) note(`${data[0].risk_level}, ${String(pagination.total)} in all`, data[0])
  const entries = must(
    await admin.GET('/agents/{id}/ledger', { params: { path: { id: agent.id }, query: { order: 'asc' } } }),
  )

  must(await runtime.POST('/budget/handshake', { body: { requested_usd: 200 } }))
  const { error } = await runtime.POST('/budget/handshake', { body: { requested_usd: 200 } })
  // The code tells what the details are.
  const exceeded = error?.code === 'BUDGET_EXCEEDED' ? error : undefined
  return {
    steps,
    refusal: exceeded && { code: exceeded.code, spent: exceeded.details.spent, limit: exceeded.details.limit },
    ledger: entries.data.map(({ seq, type, amount_usd }) => `${String(seq)} ${type} ${String(amount_usd)}`),
  }
}

function must<Data>({ data, error, response }: { data?: Data; error?: unknown; response: Response }): Data {
  if (data === undefined) throw new Error(`${String(response.status)}: ${JSON.stringify(error)}`)
  return data
}

import { openIpToken } from '@iron/ip-token-crypto'
import { ApiClient, type ApiAnswer, type Credential } from './api-client.ts'
import { table } from './table.ts'

/** The provider key of the demo. It opens nothing anywhere. */
const PROVIDER_KEY = 'sk-demo-0123456789abcdef'

/** A step went differently from the worked session: the demo is also a check. */
export class DemoFailure extends Error {}

/** What the demo needs to know of the server it plays against. */
export interface DemoServer {
  readonly address: string
  readonly email: string
  readonly password: string
}

type Figures = readonly [allocated: number, reserved: number, spent: number, remaining: number]

/**
 * Plays the worked session of http-api 6 over HTTP, printing each step with the balances after it, and compares every figure
 * with the documented one.
 *
 * @throws {DemoFailure} when an answer is not the documented one
 */
export async function playWorkedSession(server: DemoServer, print: (text: string) => void): Promise<void> {
  const api = new ApiClient(server.address)
  const steps: (string | number)[][] = []
  const note = (step: string, call: string, answer: string, balances?: Figures): void => {
    steps.push([step, call, answer, ...(balances ?? ['', '', '', ''])])
  }

  const login = must(await api.post('/auth/login', { email: server.email, password: server.password }), 200)
  const admin: Credential = { session: text(login, 'access_token') }
  note('1', 'POST /auth/login', `signed in as ${server.email}`)

  const models = ['demo-large']
  const newProvider = { name: 'openai-main', kind: 'openai', base_url: 'https://api.openai.com/v1', models }
  const provider = must(await api.post('/providers', newProvider, admin), 201)
  const providerId = text(provider, 'id')
  note('2', 'POST /providers', 'openai-main, no key yet')

  const key = must(await api.post(`/providers/${providerId}/keys`, { api_key: PROVIDER_KEY }, admin), 201)
  expectEqual('masked key', key['masked'], 'sk-d...def')
  note('3', 'POST /providers/…/keys', `stored sealed, shown as ${text(key, 'masked')}`)

  const newAgent = { name: 'research-bot', provider_ids: [providerId], allocated_usd: 100 }
  const agent = must(await api.post('/agents', newAgent, admin), 201)
  const agentId = text(agent, 'id')
  const icToken = text(object(agent, 'ic_token'), 'token')
  const runtime: Credential = { icToken }
  note('4', 'POST /agents', 'research-bot with 100 USD', balances(agent, [100, 0, 0, 100]))

  const handshake = must(
    await api.post('/budget/handshake', { requested_usd: 10, runtime_id: 'worker-1' }, runtime),
    200,
  )
  const first = text(handshake, 'lease_id')
  expectEqual('granted', handshake['granted_usd'], 10)
  const opened = openIpToken(text(handshake, 'ip_token'), { icToken, agentId, leaseId: first, providerId })
  expectEqual('the key in the IP token', opened, PROVIDER_KEY)
  note(
    '5',
    'POST /budget/handshake',
    'granted 10, IP token opens to the stored key',
    balances(handshake, [100, 10, 0, 90]),
  )

  const given = { lease_id: first, request_id: 'call-1', model: 'demo-large', cost_usd: 3 }
  const report1 = must(await api.post('/budget/report', given, runtime), 200)
  note('6', 'POST /budget/report', 'charged 3, as reported', balances(report1, [100, 7, 3, 90]))

  const counted = {
    lease_id: first,
    request_id: 'call-2',
    model: 'demo-large',
    input_tokens: 400_000,
    output_tokens: 50_000,
  }
  const report2 = must(await api.post('/budget/report', counted, runtime), 200)
  expectEqual('server-side price', report2['cost_usd'], 1.5)
  expectEqual('pricing', report2['pricing'], 'price_book')
  note('7', 'POST /budget/report', 'priced 1.5 by the server', balances(report2, [100, 5.5, 4.5, 90]))

  const again = must(await api.post('/budget/report', counted, runtime), 200)
  expectEqual('duplicate', again['duplicate'], true)
  note('7b', 'POST /budget/report', 'the same call again: duplicate, not charged', balances(again, [100, 5.5, 4.5, 90]))

  const refresh = must(await api.post('/budget/refresh', { lease_id: first, requested_usd: 20 }, runtime), 200)
  const second = text(refresh, 'lease_id')
  expectEqual('returned by the old lease', object(refresh, 'previous_lease')['returned_usd'], 5.5)
  note('8', 'POST /budget/refresh', 'gave back 5.5, borrowed 20', balances(refresh, [100, 20, 4.5, 75.5]))

  const returned = must(await api.post('/budget/return', { lease_id: second, spent_usd: 0 }, runtime), 200)
  expectEqual('returned', returned['returned_usd'], 20)
  note('9', 'POST /budget/return', 'gave back 20', balances(returned, [100, 0, 4.5, 95.5]))

  const budget = must(await api.get('/budget', runtime), 200)
  const shown = { budget: object(budget, 'summary') }
  note('10', 'GET /budget', 'the figure shown is the figure enforced', balances(shown, [100, 0, 4.5, 95.5]))
  print(table(['step', 'call', 'answer', 'allocated', 'reserved', 'spent', 'remaining'], steps))

  const ledger = must(await api.get(`/agents/${agentId}/ledger?order=asc`, admin), 200)
  const entries = list(ledger, 'data')
  print(`\nLedger of ${agentId}\n`)
  print(table(['seq', 'type', 'amount', 'from', 'to', 'available', 'reserved', 'spent'], entries.map(ledgerRow)))
  expectEqual('ledger entries', entries.length, 7)

  const verified = must(await api.get(`/agents/${agentId}/budget/verify`, admin), 200)
  expectEqual('ledger verification', verified['consistent'], true)
  print('\nLedger verified: every balance recomputed from the entries, hash chain intact.')
}

function ledgerRow(entry: Record<string, unknown>): (string | number)[] {
  const after = object(entry, 'balances')
  return [
    number(entry, 'seq'),
    text(entry, 'type'),
    number(entry, 'amount_usd'),
    text(entry, 'from_account'),
    text(entry, 'to_account'),
    number(after, 'available_usd'),
    number(after, 'reserved_usd'),
    number(after, 'spent_usd'),
  ]
}

function balances(answer: Record<string, unknown>, expected: Figures): Figures {
  const budget = object(answer, 'budget')
  const figures: Figures = [
    number(budget, 'allocated_usd'),
    number(budget, 'reserved_usd'),
    number(budget, 'spent_usd'),
    number(budget, 'remaining_usd'),
  ]
  expectEqual('balances', figures.join(), expected.join())
  return figures
}

function must(answer: ApiAnswer, status: number): Record<string, unknown> {
  if (answer.status === status) return answer.body
  throw new DemoFailure(`expected ${String(status)}, got ${String(answer.status)}: ${JSON.stringify(answer.body)}`)
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new DemoFailure(`${what}: expected ${String(expected)}, got ${String(actual)}`)
}

function text(source: Record<string, unknown>, field: string): string {
  const value = source[field]
  if (typeof value !== 'string') throw new DemoFailure(`${field} is no text`)
  return value
}

function number(source: Record<string, unknown>, field: string): number {
  const value = source[field]
  if (typeof value !== 'number') throw new DemoFailure(`${field} is no number`)
  return value
}

function object(source: Record<string, unknown>, field: string): Record<string, unknown> {
  const value = source[field]
  if (typeof value !== 'object' || value === null) throw new DemoFailure(`${field} is no object`)
  return value as Record<string, unknown>
}

function list(source: Record<string, unknown>, field: string): Record<string, unknown>[] {
  const value = source[field]
  if (!Array.isArray(value)) throw new DemoFailure(`${field} is no list`)
  return value as Record<string, unknown>[]
}

/**
 * Who there is: two users who may not see each other, a viewer, an admin, their API tokens and their agents' runtimes. Whatever
 * a user writes has that user's canary in it; the admin writes none. One more admin, the keeper, is never asked to do anything
 * hostile, and makes good what the others destroy.
 */
import { randomUUID } from 'node:crypto'
import { ADMIN } from '@iron/cluster'
import type { Caller, Headers } from './caller.ts'

/** One who asks. */
export interface Principal {
  readonly name: string
  /** Of which scheme of the document the credential is. */
  readonly scheme: 'session' | 'apiToken' | 'icToken' | 'none'
  /** Put into texts that this one writes. */
  readonly canary: string | undefined
  /** May be in no answer to this one. */
  readonly forbidden: readonly string[]
  headers: Headers
}

const PASSWORD = 'a password of the world'
const CANARIES: Readonly<Record<string, string>> = {
  alice: 'canary-of-alice-7f3a',
  bob: 'canary-of-bob-9c1d',
  carol: 'canary-of-carol-2e8b',
}
/** What calls that are only told of cost, in USD: together more than 2^53 microdollars. */
const COSTS_TOLD_USD = [0.01, ...Array.from({ length: 10 }, () => 1_000_000_000)]
/** Tendings that an agent lives through. */
const AGENT_TENDINGS = 5
const NAMES = Object.keys(CANARIES)

/** Enough that grants do not end for want of money, in USD. */
const ALLOCATED_USD = 100_000

interface User {
  id: string
  headers: Headers
}

export class World {
  /** Everyone, in an order that does not change. */
  readonly principals: readonly Principal[]
  /** Known ids by prefix, foreign and own ones mixed. */
  readonly ids = new Map<string, string[]>()
  /** Users that nobody is: what an admin may give things to without anyone's canary moving. */
  readonly #spares: string[] = []
  readonly #caller: Caller
  readonly #users = new Map<string, User>()
  #keeper: Headers = {}
  #providerId = ''
  #made = 0
  #tended = 0

  constructor(caller: Caller) {
    this.#caller = caller
    const one = (name: string, scheme: Principal['scheme'], owner?: string): Principal => ({
      name,
      scheme,
      canary: owner === undefined ? undefined : CANARIES[owner],
      forbidden: NAMES.filter((each) => each !== owner && name !== 'root').map((each) => CANARIES[each] ?? ''),
      headers: {},
    })
    this.principals = [
      one('nobody', 'none'),
      one('root', 'session'),
      ...NAMES.map((name) => one(name, 'session', name)),
      one('token of alice', 'apiToken', 'alice'),
      one('token of bob', 'apiToken', 'bob'),
      one('agent of alice', 'icToken', 'alice'),
      one('agent of bob', 'icToken', 'bob'),
    ]
  }

  /** Makes everybody and everything. */
  async create(): Promise<void> {
    const { access_token: token } = await this.#caller.must('POST', '/auth/login', ADMIN)
    this.#keeper = { Authorization: `Bearer ${String(token)}` }
    await this.#makeProvider()
    for (let made = 0; made < 2; made += 1) this.#spares.push((await this.#makeUser('spare', 'user')).id)
    for (const name of NAMES) await this.#furnish(name)
    await this.tend()
    for (const [path, prefix] of [
      ['/requests', 'req'],
      ['/audit', 'aud'],
      ['/traces', 'trace'],
    ] as const) {
      const { data } = await this.#caller.must('GET', `${path}?limit=4`, undefined, this.#keeper)
      for (const row of data as Readonly<Record<string, unknown>>[]) this.#know(prefix, row['trace_id'] ?? row['id'])
    }
  }

  /** Replaces every credential that works no more. @returns how many there were */
  async tend(): Promise<number> {
    let renewed = 0
    this.#tended += 1
    for (const principal of this.principals) {
      // An agent loses more than its credential: its providers, its money, its right to run.
      const isWorn = principal.scheme === 'icToken' && this.#tended % AGENT_TENDINGS === 0
      if (principal.scheme === 'none' || (!isWorn && (await this.#works(principal)))) continue
      renewed += 1
      await this.#renew(principal)
    }
    return renewed
  }

  /** An id of a kind: for what an admin changes only users that nobody is. */
  idsOf(prefix: string, principal: Principal, isMoved: boolean): readonly string[] {
    if (prefix === 'user' && isMoved && principal.name === 'root') return this.#spares
    return this.ids.get(prefix) ?? []
  }

  async #works({ scheme, headers }: Principal): Promise<boolean> {
    if (Object.keys(headers).length === 0) return false
    const path = scheme === 'icToken' ? '/api/v1/budget' : '/api/v1/agents'
    return (await this.#caller.call('GET', path, undefined, headers)).status === 200
  }

  async #renew(principal: Principal): Promise<void> {
    const owner = NAMES.find((name) => principal.name.endsWith(name))
    if (owner === undefined) {
      principal.headers = (await this.#makeUser('root', 'admin')).headers
    } else if (principal.scheme === 'session') {
      principal.headers = await this.#userOf(owner)
    } else if (principal.scheme === 'apiToken') {
      principal.headers = await this.#makeToken(owner)
    } else {
      principal.headers = await this.#makeAgent(owner)
    }
  }

  /** A session of a user; the user is made anew if no login helps. */
  async #userOf(name: string): Promise<Headers> {
    const old = this.#users.get(name)
    if (
      old !== undefined &&
      (await this.#caller.call('GET', '/api/v1/agents', undefined, old.headers)).status === 200
    ) {
      return old.headers
    }
    await this.#furnish(name)
    return this.#users.get(name)?.headers ?? {}
  }

  /** A user with everything a user may have. */
  async #furnish(name: string): Promise<void> {
    const user = await this.#makeUser(CANARIES[name] ?? '', name === 'carol' ? 'viewer' : 'user')
    this.#users.set(name, user)
    this.#know('user', user.id)
    await this.#makeAgent(name)
    const limit = { user_id: user.id, max_requests_per_minute: 1_000_000 }
    this.#know('lim', (await this.#caller.must('POST', '/limits', limit, this.#keeper))['id'])
    const sessions = await this.#caller.must('GET', '/auth/sessions', undefined, user.headers)
    for (const { id } of sessions['data'] as { readonly id: string }[]) this.#know('sess', id)
  }

  async #makeUser(name: string, role: string): Promise<User> {
    const username = `${name}-${(this.#made += 1)}`
    const email = `${username}@fuzz.test`
    const account = { username, email, password: PASSWORD, role }
    const { id } = await this.#caller.must('POST', '/users', account, this.#keeper)
    const { access_token: token } = await this.#caller.must('POST', '/auth/login', { email, password: PASSWORD })
    return { id: String(id), headers: { Authorization: `Bearer ${String(token)}` } }
  }

  async #makeProvider(): Promise<void> {
    const name = `openai-${(this.#made += 1)}`
    const body = { name, kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] }
    this.#providerId = this.#know('prov', (await this.#caller.must('POST', '/providers', body, this.#keeper))['id'])
    const key = await this.#caller.must(
      'POST',
      `/providers/${this.#providerId}/keys`,
      { api_key: 'sk-of-the-world-0123456789' },
      this.#keeper,
    )
    this.#know('key', key['id'])
  }

  async #makeToken(name: string): Promise<Headers> {
    const session = await this.#userOf(name)
    const body = { name: `${CANARIES[name] ?? ''} ${(this.#made += 1)}` }
    let answer = await this.#caller.call('POST', '/api/v1/tokens', body, session)
    if (answer.status !== 201) {
      await this.#furnish(name)
      answer = await this.#caller.call('POST', '/api/v1/tokens', body, this.#users.get(name)?.headers)
    }
    if (answer.status !== 201) throw new Error(`no token for ${name}: ${answer.body}`)
    const { id, token } = JSON.parse(answer.body) as { readonly id: string; readonly token: string }
    this.#know('tok', id)
    return { 'X-API-Token': token }
  }

  /** An agent with money, a lease, a call and a budget request. */
  async #makeAgent(name: string): Promise<Headers> {
    const canary = CANARIES[name] ?? ''
    await this.#userOf(name)
    const body = {
      name: canary,
      description: canary,
      owner_id: this.#users.get(name)?.id,
      provider_ids: [this.#providerId],
      allocated_usd: ALLOCATED_USD,
    }
    let answer = await this.#caller.call('POST', '/api/v1/agents', body, this.#keeper)
    if (answer.status !== 201) {
      // The provider may be gone.
      await this.#makeProvider()
      answer = await this.#caller.call(
        'POST',
        '/api/v1/agents',
        { ...body, provider_ids: [this.#providerId] },
        this.#keeper,
      )
    }
    if (answer.status !== 201) throw new Error(`no agent for ${name}: ${answer.body}`)
    const agent = JSON.parse(answer.body) as { readonly id: string; readonly ic_token: Record<string, string> }
    this.#know('agent', agent.id)
    this.#know('ic', agent.ic_token['id'])
    const runtime = { 'X-IC-Token': agent.ic_token['token'] ?? '' }
    await this.#makeCalls(name, runtime, agent.id)
    return runtime
  }

  async #makeCalls(name: string, runtime: Headers, agentId: string): Promise<void> {
    const canary = CANARIES[name] ?? ''
    const lease = await this.#caller.call('POST', '/api/v1/budget/handshake', { requested_usd: 10 }, runtime)
    // A provider without a key, or a stopped owner: an agent without a lease is good too.
    if (lease.status !== 200) return
    this.#know('lease', (JSON.parse(lease.body) as { readonly lease_id?: string }).lease_id)
    const timestamp = new Date().toISOString()
    const request = `${canary}-${(this.#made += 1)}`
    const events = COSTS_TOLD_USD.map((cost, index) => ({
      event_id: `${request}-${index}`,
      type: 'request.completed',
      request_id: `${request}-${index}`,
      model: canary,
      cost_usd: cost,
      timestamp,
      attributes: { note: canary },
    }))
    await this.#caller.call('POST', '/api/v1/analytics/events', { events }, runtime)
    const trace = `trace_${randomUUID()}`
    const span = {
      trace_id: trace,
      span_id: request,
      name: canary,
      started_at: timestamp,
      duration_ms: 1,
      status: 'ok',
    }
    await this.#caller.call('POST', '/api/v1/traces', { spans: [span] }, runtime)
    const justification = `${canary} needs much more`
    const wish = { agent_id: agentId, requested_allocated_usd: ALLOCATED_USD * 2, justification }
    const asked = await this.#caller.call('POST', '/api/v1/budget-requests', wish, this.#users.get(name)?.headers)
    if (asked.status === 201) this.#know('breq', (JSON.parse(asked.body) as { readonly id: string }).id)
  }

  /** Remembers an id, at most some of a kind, so that the newest ones are met often. */
  #know(prefix: string, id: unknown): string {
    if (typeof id !== 'string') return ''
    const known = this.ids.get(prefix) ?? []
    known.push(id)
    if (known.length > KNOWN_MAX) known.shift()
    this.ids.set(prefix, known)
    return id
  }
}

/** Ids of a kind that are remembered. */
const KNOWN_MAX = 8

/**
 * A process that spends an agent's money (budget protocol 15). A conforming one starts a call only when it fits its lease and
 * tells the truth; a careless one does whatever it likes.
 */
import type { Answer, Call, Message, Outcome, Sent } from './commands.ts'
import type { Dice } from './dice.ts'
import { SECOND, TTL_MS, USD } from './rules.ts'

interface OwnLease {
  readonly id: string
  readonly granted: number
  used: number
  deadline: number
}

export class Runtime {
  readonly name: string
  readonly agentId: string
  readonly conforming: boolean
  token: string
  lease: OwnLease | undefined
  /** Calls whose report was not acknowledged. */
  readonly journal = new Map<string, Call>()
  /** What its calls really cost. */
  spent = 0
  readonly #dice: Dice
  readonly #taken = new Set<string>()
  readonly #known: string[] = []
  readonly #calls: Call[] = []
  #asking: (Message & { kind: 'open' }) | undefined
  #serial = 0

  constructor(name: string, agent: { readonly id: string; readonly token: string }, conforming: boolean, dice: Dice) {
    this.name = name
    this.agentId = agent.id
    this.token = agent.token
    this.conforming = conforming
    this.#dice = dice
  }

  /** What it sends next. */
  act(now: number): readonly Sent[] {
    const message = this.lease === undefined ? this.#ask() : this.#work(this.lease, now)
    const messages = message === undefined ? [] : [message]
    if (!this.conforming && this.#dice.chance(0.15)) messages.push(this.#misbehave())
    return messages.map((each) => this.#sent(each))
  }

  /** Everything not acknowledged yet, once more. */
  flush(): readonly Sent[] {
    return [...this.journal.values()].map((call) => this.#sent({ kind: 'report', call }))
  }

  /** The answer to one of its messages has arrived. */
  hear({ message }: Sent, outcome: Outcome, now: number): void {
    if ('refused' in outcome) {
      if (message.kind === 'open' && outcome.refused !== 'IDEMPOTENCY_CONFLICT') this.#asking = undefined
      if (outcome.refused === 'LEASE_NOT_ACTIVE' && message.kind === 'refresh') this.#drop(message.leaseId)
      if (message.kind === 'report') this.#settled(message.call, outcome.refused)
      return
    }
    const { answer } = outcome
    switch (message.kind) {
      case 'open':
        this.#asking = undefined
        if (this.lease === undefined) this.#take(answer, now)
        return
      case 'refresh':
        if (this.lease?.id === message.leaseId) this.#take(answer, now)
        return
      case 'report':
        this.#settled(message.call, undefined)
        if (this.lease?.id === message.call.leaseId && answer.late === false) this.lease.deadline = deadline(now)
        return
      case 'batch': {
        const items = answer.items as readonly (string | Answer)[]
        message.calls.forEach((call, index) => {
          const item = items[index]
          this.#settled(call, typeof item === 'string' ? item : undefined)
        })
        return
      }
      case 'return':
      case 'telemetry':
    }
  }

  #ask(): Message | undefined {
    const dice = this.#dice
    // An answer that never came: the same call again.
    if (this.#asking !== undefined && (this.conforming || dice.chance(0.6))) return this.#asking
    const asked = {
      ...({ kind: 'open', withKey: dice.chance(0.5), requested: this.#amount() } as const),
      key: dice.chance(0.85) ? this.#name('key') : undefined,
    }
    if (asked.key !== undefined) this.#asking = asked
    return asked
  }

  #work(lease: OwnLease, now: number): Message | undefined {
    const dice = this.#dice
    const does = dice.weighted({ call: 10, retry: 3, refresh: 3, return: 2 })
    const mayCall = !this.conforming || (now < lease.deadline && lease.used < lease.granted)
    if (does === 'call' && mayCall) return this.#call(lease)
    if (does === 'refresh') {
      return {
        kind: 'refresh',
        leaseId: lease.id,
        key: dice.chance(0.8) ? this.#name('key') : undefined,
        requested: this.#amount(),
      }
    }
    if (does === 'return' || (does === 'call' && dice.chance(0.4))) return this.#return(lease)
    const calls = [...this.journal.values()].slice(0, 5)
    return calls.length === 0 ? undefined : { kind: 'batch', calls }
  }

  /** Makes a call and tells of it now, later, or first as telemetry. */
  #call(lease: OwnLease): Message | undefined {
    const dice = this.#dice
    const free = Math.max(0, lease.granted - lease.used)
    const any = [0, 1, free, free + 1, dice.below(2 * lease.granted)]
    const part = dice.chance(0.2) ? free : dice.below(Math.ceil(free / 2) + 1)
    const cost = this.conforming ? part : dice.chance(0.5) ? part : dice.pick(any)
    const call = { requestId: this.#name('call'), leaseId: lease.id, cost, tokens: dice.below(2_000) }
    lease.used += cost
    this.spent += cost
    this.journal.set(call.requestId, call)
    this.#calls.push(call)
    const told = dice.weighted({ report: 7, telemetry: 2, nothing: 2 })
    if (told === 'report') return { kind: 'report', call }
    return told === 'telemetry' ? { kind: 'telemetry', call, eventId: this.#name('event') } : undefined
  }

  #return(lease: OwnLease): Message {
    const dice = this.#dice
    const isFlushed = [...this.journal.values()].every(({ leaseId }) => leaseId !== lease.id)
    const honest = isFlushed && dice.chance(0.5) ? undefined : lease.used
    const claim =
      this.conforming || dice.chance(0.5) ? honest : dice.pick([undefined, 0, dice.below(2 * lease.granted)])
    this.lease = undefined
    return { kind: 'return', leaseId: lease.id, claim }
  }

  /** Old leases, old calls with other figures, calls on leases that are none of its own, keys used twice. */
  #misbehave(): Message {
    const dice = this.#dice
    const leaseId = this.#known.length === 0 ? 'lease_of_nobody' : dice.pick(this.#known)
    const old = this.#calls.length === 0 ? undefined : dice.pick(this.#calls)
    const requested = this.#amount()
    const makes: readonly (() => Message)[] = [
      () => ({
        kind: 'report',
        call: { requestId: this.#name('stray'), leaseId: 'lease_of_nobody', cost: 5, tokens: 5 },
      }),
      () => ({ kind: 'return', leaseId, claim: dice.below(30 * USD) }),
      () => ({ kind: 'refresh', leaseId, key: undefined, requested }),
      () => ({ kind: 'refresh', leaseId, key: `${this.name}.key.${1 + dice.below(this.#serial + 1)}`, requested }),
      () => ({
        kind: 'open',
        withKey: dice.chance(0.5),
        key: `${this.name}.key.${1 + dice.below(this.#serial + 1)}`,
        requested,
      }),
      ...(old === undefined
        ? []
        : [
            (): Message => ({ kind: 'report', call: { ...old, cost: old.cost + 1 } }),
            (): Message => ({ kind: 'report', call: { ...old, leaseId } }),
            (): Message => ({ kind: 'batch', calls: [old, old, { ...old, tokens: old.tokens + 1 }] }),
            (): Message => ({ kind: 'telemetry', call: old, eventId: this.#name('event') }),
          ]),
    ]
    return dice.pick(makes)()
  }

  #take(answer: Answer, now: number): void {
    const id = String(answer.lease)
    this.#known.push(id)
    // An answer that arrives again is old news.
    if (this.#taken.has(id)) return
    this.#taken.add(id)
    this.lease = { id, granted: Number(answer.granted), used: 0, deadline: deadline(now) }
  }

  #drop(leaseId: string): void {
    if (this.lease?.id === leaseId) this.lease = undefined
  }

  #settled(call: Call, refused: string | undefined): void {
    if (refused === undefined || refused === 'IDEMPOTENCY_CONFLICT') this.journal.delete(call.requestId)
  }

  #amount(): number {
    const dice = this.#dice
    return dice.chance(0.2) ? 1 + dice.below(60 * USD) : 1 + dice.below(12 * USD)
  }

  #name(what: string): string {
    this.#serial += 1
    return `${this.name}.${what}.${this.#serial}`
  }

  #sent(message: Message): Sent {
    return { from: this.name, agentId: this.agentId, token: this.token, message }
  }
}

function deadline(now: number): number {
  return now + TTL_MS - 5 * SECOND
}

/** What is asked of a server, and how both sides say what came of it. Amounts are microdollars. */

/** One LLM call that a runtime has made. */
export interface Call {
  readonly requestId: string
  readonly leaseId: string
  readonly cost: number
  readonly tokens: number
}

/** A message of a runtime (budget protocol 4). */
export type Message =
  | { readonly kind: 'open'; readonly withKey: boolean; readonly key: string | undefined; readonly requested: number }
  | { readonly kind: 'refresh'; readonly leaseId: string; readonly key: string | undefined; readonly requested: number }
  | { readonly kind: 'report'; readonly call: Call }
  | { readonly kind: 'batch'; readonly calls: readonly Call[] }
  | { readonly kind: 'return'; readonly leaseId: string; readonly claim: number | undefined }
  | { readonly kind: 'telemetry'; readonly call: Call; readonly eventId: string }

/** An order of an admin or of the server's own clockwork. */
export type Order =
  | { readonly kind: 'stop' | 'resume' | 'archive' | 'rotate' | 'untoken' | 'issue'; readonly agentId: string }
  | { readonly kind: 'suspend' | 'activate'; readonly ownerId: string }
  | { readonly kind: 'move'; readonly agentId: string; readonly ownerId: string }
  | { readonly kind: 'allocate'; readonly agentId: string; readonly amount: number; readonly force: boolean }
  | { readonly kind: 'credit' | 'charge'; readonly agentId: string; readonly amount: number }
  | { readonly kind: 'revoke'; readonly agentId: string; readonly leaseId: string }
  | { readonly kind: 'ask'; readonly agentId: string; readonly ownerId: string; readonly amount: number }
  | { readonly kind: 'approve' | 'reject' | 'cancel'; readonly requestId: string }
  | { readonly kind: 'limit'; readonly ownerId: string; readonly maxima: Maxima }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'prune' }

/** Limits of an owner; null = none. */
export interface Maxima {
  readonly tokensPerDay: number | null
  readonly requestsPerMinute: number | null
  readonly costPerMonth: number | null
}

/** A message with who sends it; `token` is what it carries, which may be an old one. */
export interface Sent {
  readonly from: string
  readonly agentId: string
  readonly token: string
  readonly message: Message
}

export type Command = { readonly sent: Sent } | { readonly order: Order }

/** A refusal is its code; an answer is whatever both sides can say of it. */
export type Outcome = { readonly refused: string } | { readonly answer: Answer }
export type Answer = Readonly<Record<string, unknown>>

/** One line of a trace. */
export function describe(command: Command): string {
  if ('order' in command) return Object.values(command.order).map(shown).join(' ')
  const { from, message } = command.sent
  return `${from}: ${Object.values(message).map(shown).join(' ')}`
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`
  if (typeof value === 'object' && value !== null) return Object.values(value).map(shown).join('/')
  if (value === undefined) return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

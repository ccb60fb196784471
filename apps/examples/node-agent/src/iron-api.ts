/** The budget protocol over HTTP: one attempt a call, and two kinds of failure, because a runtime answers them differently. */

/** Iron did not answer, or asked to come back later: nothing is known to have happened, and the same call may be sent again. */
export class Unavailable extends Error {
  /** How long Iron asked to wait, in milliseconds. */
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs = 0, options?: ErrorOptions) {
    super(message, options)
    this.retryAfterMs = retryAfterMs
  }
}

/** Iron answered no. Sending the same again will not help by itself. */
export class Refused extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(`${code}: ${message}`)
    this.code = code
  }
}

/** What handshake and refresh answer; amounts in US dollars. */
export interface GrantAnswer {
  readonly lease_id: string
  readonly agent_id: string
  readonly granted_usd: number
  readonly ttl_seconds: number
  readonly provider: { readonly id: string; readonly base_url: string }
  readonly ip_token: string
}

/** One LLM call, as it is told to Iron. */
export interface CallReport {
  readonly lease_id: string
  readonly request_id: string
  readonly model: string
  readonly outcome: 'completed' | 'failed'
  /** What is booked; without it Iron prices the tokens. */
  readonly cost_usd: number
  readonly input_tokens?: number | undefined
  readonly output_tokens?: number | undefined
}

export type ReportResult = { readonly request_id: string } & (
  | { readonly status: 'recorded' | 'duplicate'; readonly late: boolean; readonly over_budget: boolean }
  | { readonly status: 'error'; readonly code: string; readonly error: string }
)

/** Nobody waits longer for an answer, in milliseconds. */
const ANSWER_WITHIN_MS = 20_000

export class IronApi {
  readonly #base: string
  readonly #icToken: string

  /** @param address of the control plane, `https://iron.example` */
  constructor(address: string, icToken: string) {
    this.#base = `${address}/api/v1`
    this.#icToken = icToken
  }

  /** @throws {Unavailable} no answer, 429, 5xx; {Refused} any other refusal */
  async post<Answer>(route: string, body: unknown, idempotencyKey?: string): Promise<Answer> {
    const headers: Record<string, string> = { 'Content-Type': 'application/json', 'X-IC-Token': this.#icToken }
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey
    let response: Response
    let text: string
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
      response = await fetch(this.#base + route, { method: 'POST', headers, body: JSON.stringify(body), signal })
      text = await response.text()
    } catch (error) {
      throw new Unavailable('Iron does not answer', 0, { cause: error })
    }
    if (response.status === 429 || response.status >= 500) {
      throw new Unavailable(`Iron answers ${response.status}`, Number(response.headers.get('retry-after') ?? 0) * 1000)
    }
    if (response.ok) return JSON.parse(text) as Answer
    const { code, error } = JSON.parse(text) as { code: string; error: string }
    throw new Refused(code, error)
  }
}

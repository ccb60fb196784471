/**
 * An LLM provider that costs nothing: it answers `POST /v1/chat/completions` as OpenAI does, with usage, and only to who has
 * the key. It counts what it would have billed, so that a ledger can be held against it.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const MODEL = 'gpt-4o'
/** In microdollars per million tokens: the list price of the model, with which the server counts as well. */
const PRICE = { input: 2_500_000, output: 10_000_000 }
/** Bytes of English text for each token, roughly. */
const BYTES_PER_TOKEN = 4
/** Every answer uses so much of the `max_tokens` that were asked for. */
const OUTPUT_SHARE = 0.75

export interface FakeLlm extends AsyncDisposable {
  readonly baseUrl: string
  readonly apiKey: string
  readonly billed: { readonly calls: number; readonly costMicros: number }
  /** Calls after so many are answered only when the function that this returns has been called. */
  hold(afterCalls: number): () => void
}

export async function startFakeLlm(apiKey: string): Promise<FakeLlm> {
  const billed = { calls: 0, costMicros: 0 }
  let holdAfter = Infinity
  let released = Promise.withResolvers<undefined>()
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    }
    if (request.headers.authorization !== `Bearer ${apiKey}`) {
      answer(401, { error: { message: 'Incorrect API key' } })
      return
    }
    const turn = billed.calls < holdAfter ? Promise.resolve(undefined) : released.promise
    turn
      .then(() => complete(request, billed))
      .then(
        (body) => answer(200, body),
        () => answer(400, { error: { message: 'no JSON' } }),
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    apiKey,
    billed,
    hold: (afterCalls) => {
      holdAfter = afterCalls
      released = Promise.withResolvers<undefined>()
      return () => {
        holdAfter = Infinity
        released.resolve(undefined)
      }
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function complete(request: IncomingMessage, billed: { calls: number; costMicros: number }): Promise<unknown> {
  const body = await text(request)
  const { max_tokens: maxTokens } = JSON.parse(body) as { max_tokens: number }
  const usage = {
    prompt_tokens: Math.ceil(body.length / BYTES_PER_TOKEN),
    completion_tokens: Math.floor(maxTokens * OUTPUT_SHARE),
  }
  billed.calls += 1
  billed.costMicros += Math.ceil(
    (usage.prompt_tokens * PRICE.input + usage.completion_tokens * PRICE.output) / 1_000_000,
  )
  return {
    object: 'chat.completion',
    model: MODEL,
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Said and done.' } }],
    usage,
  }
}

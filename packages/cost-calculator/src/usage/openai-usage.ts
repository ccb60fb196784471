/**
 * Usage of OpenAI, Azure and everybody who answers in their form: chat completions (`prompt_tokens`) and responses, images
 * and realtime (`input_tokens`). Totals contain their parts.
 */
import type { Payload } from './payload.ts'
import { checkedCount, restOf, type Usage, type UsageUnit } from './usage.ts'

export function openAiUsage(payload: Payload): Usage {
  const usage: { [U in UsageUnit]?: number } = {}
  const input = payload.count('prompt_tokens', 'input_tokens')
  const output = payload.count('completion_tokens', 'output_tokens')
  const inputDetails = payload.inner('prompt_tokens_details', 'input_tokens_details', 'input_token_details')
  const outputDetails = payload.inner('completion_tokens_details', 'output_tokens_details', 'output_token_details')
  readInput(payload, inputDetails, input, usage)
  const beside = readOutput(payload, outputDetails, input, output, usage)
  readTotal(payload.count('total_tokens'), (input ?? 0) + (output ?? 0) + beside, usage)
  const items: readonly (readonly [UsageUnit, number | undefined])[] = [
    ['citation', payload.count('citation_tokens')],
    [
      'webSearches',
      payload.count('num_search_queries') ?? payload.inner('server_tool_use').count('web_search_requests'),
    ],
    ['audioSeconds', payload.seconds('seconds', 'prompt_audio_seconds')],
    ['documentPages', payload.count('pages_processed')],
  ]
  for (const [unit, count] of items) if (count !== undefined) usage[unit] = count
  return usage
}

function readInput(
  payload: Payload,
  details: Payload,
  input: number | undefined,
  usage: { [U in UsageUnit]?: number },
): void {
  // DeepSeek and Moonshot name cached tokens beside the totals; they are inside the prompt all the same.
  const cached =
    details.count('cached_tokens') ?? payload.count('cached_tokens', 'prompt_cache_hit_tokens', 'num_cached_tokens')
  const written = details.count('cache_write_tokens', 'cache_creation_tokens')
  const cachedByMedium = details.inner('cached_tokens_details')
  const audioCached = cachedByMedium.count('audio_tokens')
  const imageCached = cachedByMedium.count('image_tokens')
  const audio = details.count('audio_tokens')
  const image = details.count('image_tokens')
  const text = cached === undefined ? undefined : restOf(cached, [audioCached ?? 0, imageCached ?? 0], 'cached_tokens')
  const parts: readonly (readonly [UsageUnit, number | undefined])[] = [
    ['cacheRead', text],
    ['audioCacheRead', audioCached],
    ['imageCacheRead', imageCached],
    ['cacheWrite', written],
    ['audioInput', audio === undefined ? undefined : restOf(audio, [audioCached ?? 0], 'audio_tokens')],
    ['imageInput', image === undefined ? undefined : restOf(image, [imageCached ?? 0], 'image_tokens')],
  ]
  take(usage, 'input', input, parts, 'input tokens')
}

/** Answers how many reasoning tokens stand beside the output. */
function readOutput(
  payload: Payload,
  details: Payload,
  input: number | undefined,
  output: number | undefined,
  usage: { [U in UsageUnit]?: number },
): number {
  const reasoning = details.count('reasoning_tokens') ?? payload.count('reasoning_tokens')
  const rest: readonly (readonly [UsageUnit, number | undefined])[] = [
    ['audioOutput', details.count('audio_tokens')],
    ['imageOutput', details.count('image_tokens')],
  ]
  // Some answer in this form with reasoning beside the completion; their total gives it away (PRI-04).
  const isBeside =
    reasoning !== undefined &&
    reasoning > 0 &&
    payload.count('total_tokens') === (input ?? 0) + (output ?? 0) + reasoning
  take(usage, 'output', output, isBeside ? rest : [['reasoning', reasoning], ...rest], 'output tokens')
  if (!isBeside) return 0
  usage.reasoning = reasoning
  return reasoning
}

/** A total alone is unsplit; tokens of a total that no part explains are charged, too. */
function readTotal(total: number | undefined, explained: number, usage: { [U in UsageUnit]?: number }): void {
  if (total === undefined) return
  const unexplained = restOf(total, [explained], 'total_tokens')
  if (unexplained > 0 || Object.keys(usage).length === 0) usage.unsplit = unexplained
}

/** Takes parts out of a total. @throws {CostError} INVALID_USAGE for parts above it or without one (PRI-21) */
export function take(
  usage: { [U in UsageUnit]?: number },
  restUnit: UsageUnit,
  total: number | undefined,
  parts: readonly (readonly [UsageUnit, number | undefined])[],
  path: string,
): void {
  const counts = parts.map(([, count]) => count ?? 0)
  const rest = restOf(total ?? 0, counts, path)
  if (total === undefined) return
  usage[restUnit] = checkedCount(rest, path)
  for (const [unit, count] of parts) if (count !== undefined) usage[unit] = count
}

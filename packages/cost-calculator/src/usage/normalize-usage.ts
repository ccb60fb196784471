/** Turns a provider's own usage object into disjoint parts, so that no token is priced twice or left out (PRI-01). */
import { CostError } from '../errors.ts'
import { anthropicUsage } from './anthropic-usage.ts'
import { googleUsage } from './google-usage.ts'
import { openAiUsage } from './openai-usage.ts'
import { openPayload, type Payload } from './payload.ts'
import type { ProviderKind, Usage } from './usage.ts'

/**
 * The provider's own usage object in, parts out. Cached, reasoning and media counts are taken out of totals that contain them
 * (OpenAI, Azure; Google's prompt) and stand beside totals that do not (Anthropic; Google's thoughts). `custom`: told by the
 * field names. A stream's blocks may be given as an array; the final figures count.
 *
 * @example normalizeUsage('openai', { prompt_tokens: 1200, prompt_tokens_details: { cached_tokens: 1000 }, completion_tokens: 310 })
 *   // { input: 200, cacheRead: 1000, output: 310 }
 * @throws {CostError} INVALID_USAGE: parts above their total or without one, a count that is negative or not whole, no count at all
 */
export function normalizeUsage(kind: ProviderKind, payload: unknown): Usage {
  const opened = openPayload(payload)
  const usage = readerOf(kind, opened)(opened)
  if (Object.keys(usage).length === 0) {
    throw new CostError('INVALID_USAGE', 'there is no count in the usage', {
      fields: { $: 'must hold at least one count' },
    })
  }
  return Object.freeze(usage)
}

function readerOf(kind: ProviderKind, payload: Payload): (payload: Payload) => Usage {
  switch (kind) {
    case 'openai':
    case 'azure_openai':
      return openAiUsage
    case 'anthropic':
      return anthropicUsage
    case 'google':
      return googleUsage
    case 'custom':
      if (payload.has('promptTokenCount', 'prompt_token_count', 'totalTokenCount')) return googleUsage
      return payload.has('cache_read_input_tokens', 'cache_creation_input_tokens', 'cache_creation')
        ? anthropicUsage
        : openAiUsage
    default:
      throw new CostError('INVALID_USAGE', 'unknown provider kind', { fields: { kind: 'must be a provider kind' } })
  }
}

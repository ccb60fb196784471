/**
 * Usage of Anthropic's messages. Cache reads and writes stand beside `input_tokens`; thinking is inside `output_tokens`.
 */
import { take } from './openai-usage.ts'
import type { Payload } from './payload.ts'
import { restOf, type Usage, type UsageUnit } from './usage.ts'

export function anthropicUsage(payload: Payload): Usage {
  const usage: { [U in UsageUnit]?: number } = {}
  const set = (unit: UsageUnit, count: number | undefined): void => {
    if (count !== undefined) usage[unit] = count
  }
  set('input', payload.count('input_tokens'))
  set('cacheRead', payload.count('cache_read_input_tokens'))
  const written = payload.count('cache_creation_input_tokens')
  const lifetimes = payload.inner('cache_creation')
  const short = lifetimes.count('ephemeral_5m_input_tokens')
  const long = lifetimes.count('ephemeral_1h_input_tokens')
  // What the total holds beyond the two lifetimes is of the default one, five minutes (PRI-03).
  const unnamed = written === undefined ? 0 : restOf(written, [short ?? 0, long ?? 0], 'cache_creation_input_tokens')
  set('cacheWrite', written === undefined ? short : (short ?? 0) + unnamed)
  set('cacheWrite1h', long)
  const thinking = payload.inner('output_tokens_details').count('thinking_tokens', 'reasoning_tokens')
  take(usage, 'output', payload.count('output_tokens'), [['reasoning', thinking]], 'output_tokens')
  set('webSearches', payload.inner('server_tool_use').count('web_search_requests'))
  return usage
}

/**
 * Google's `usageMetadata`, in either spelling. Cached tokens are inside the prompt; thoughts stand beside the candidates,
 * tool results beside the prompt.
 */
import { take } from './openai-usage.ts'
import type { Payload } from './payload.ts'
import { restOf, type Usage, type UsageUnit } from './usage.ts'

type Modalities = ReadonlyMap<string, number>

export function googleUsage(payload: Payload): Usage {
  const usage: { [U in UsageUnit]?: number } = {}
  const prompt = payload.count('promptTokenCount', 'prompt_token_count')
  const tools = payload.count('toolUsePromptTokenCount', 'tool_use_prompt_token_count')
  const input = prompt === undefined && tools === undefined ? undefined : (prompt ?? 0) + (tools ?? 0)
  take(usage, 'input', input, inputParts(payload, input ?? 0), 'promptTokenCount')

  const output = payload.count(
    'candidatesTokenCount',
    'candidates_token_count',
    'responseTokenCount',
    'response_token_count',
  )
  const made = payload.modalities(
    'candidatesTokensDetails',
    'candidates_tokens_details',
    'responseTokensDetails',
    'response_tokens_details',
  )
  const outputParts: readonly (readonly [UsageUnit, number | undefined])[] = [
    ['audioOutput', made?.get('AUDIO')],
    ['imageOutput', made?.get('IMAGE')],
    ['videoOutput', made?.get('VIDEO')],
  ]
  take(usage, 'output', output, outputParts, 'candidatesTokenCount')
  const thoughts = payload.count('thoughtsTokenCount', 'thoughts_token_count')
  if (thoughts !== undefined) usage.reasoning = thoughts

  const total = payload.count('totalTokenCount', 'total_token_count')
  if (total !== undefined) {
    // Older answers leave thoughts and tool results out of the total; prompt and candidates are always in it.
    restOf(total, [prompt ?? 0, output ?? 0], 'totalTokenCount')
    const unexplained = total - (input ?? 0) - (output ?? 0) - (thoughts ?? 0)
    if (unexplained > 0 || Object.keys(usage).length === 0) usage.unsplit = Math.max(0, unexplained)
  }
  return usage
}

function inputParts(payload: Payload, input: number): readonly (readonly [UsageUnit, number | undefined])[] {
  const all = payload.modalities('promptTokensDetails', 'prompt_tokens_details')
  const tool = payload.modalities('toolUsePromptTokensDetails', 'tool_use_prompt_tokens_details')
  const cached = payload.count('cachedContentTokenCount', 'cached_content_token_count')
  const named = payload.modalities('cacheTokensDetails', 'cache_tokens_details')
  const given = (modality: string): number => (all?.get(modality) ?? 0) + (tool?.get(modality) ?? 0)
  const media = { AUDIO: given('AUDIO'), IMAGE: given('IMAGE'), VIDEO: given('VIDEO') }
  const ofCache = named ?? cachedMedia(media, cached ?? 0, input)
  const audioCached = ofCache.get('AUDIO') ?? 0
  const imageCached = ofCache.get('IMAGE') ?? 0
  const videoCached = ofCache.get('VIDEO') ?? 0
  const fresh = (modality: keyof typeof media, ofIt: number): number | undefined =>
    all?.has(modality) === true || tool?.has(modality) === true
      ? restOf(media[modality], [ofIt], 'promptTokensDetails')
      : undefined
  return [
    // There is no part for cached video; it is read from the cache like text.
    [
      'cacheRead',
      cached === undefined ? undefined : restOf(cached, [audioCached, imageCached], 'cachedContentTokenCount'),
    ],
    ['audioCacheRead', audioCached > 0 ? audioCached : undefined],
    ['imageCacheRead', imageCached > 0 ? imageCached : undefined],
    ['audioInput', fresh('AUDIO', audioCached)],
    ['imageInput', fresh('IMAGE', imageCached)],
    ['videoInput', fresh('VIDEO', videoCached)],
  ]
}

/** Without details of the cache, only what does not fit beside the cached tokens is surely a cached medium. */
function cachedMedia(
  media: { readonly AUDIO: number; readonly IMAGE: number; readonly VIDEO: number },
  cached: number,
  input: number,
): Modalities {
  const cachedOf = new Map<string, number>()
  let overlap = cached + media.AUDIO + media.IMAGE + media.VIDEO - input
  for (const modality of ['VIDEO', 'IMAGE', 'AUDIO'] as const) {
    const part = Math.min(Math.max(overlap, 0), media[modality], cached)
    cachedOf.set(modality, part)
    overlap -= part
  }
  return cachedOf
}

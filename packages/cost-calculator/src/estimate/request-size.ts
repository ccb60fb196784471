/**
 * Measures a request body before it is sent, so that its tokens can be bounded from above without a tokeniser: no token of
 * text is shorter than a byte. Bodies of OpenAI (chat and responses), Azure, Anthropic and Google are understood; a field
 * nobody knows is measured as text.
 */
import { CostError } from '../errors.ts'
import type { ServiceTier } from '../prices/price.ts'
import type { UsageUnit } from '../usage/usage.ts'

/** Framing of a message, in tokens. */
const MESSAGE_TOKENS = 16
/** An image or file, in tokens. */
const MEDIUM_TOKENS = 4_096
/** Deepest nesting that is followed; deeper bodies are refused. */
const DEPTH_MAX = 200
/** Marks around a field when a schema or a tool call is written out for the model. */
const FIELD_BYTES = 8

/** How large a request is. */
export interface RequestSize {
  readonly model: string | undefined
  readonly inputTokens: number
  /** For each choice; `undefined`: the request sets no limit. */
  readonly maxOutputTokens: number | undefined
  readonly choices: number
  /** Media in the request or asked for. */
  readonly media: ReadonlySet<UsageUnit>
  readonly serviceTier: ServiceTier | undefined
}

type Body = Readonly<Record<string, unknown>>
interface Tally {
  bytes: number
  messages: number
  media: number
  readonly kinds: Set<UsageUnit>
}

/** Settings that no model reads. */
const SETTINGS = new Set(
  (
    'model n stream stream_options max_tokens max_completion_tokens max_output_tokens temperature top_p top_k seed user metadata ' +
    'service_tier store logprobs top_logprobs frequency_penalty presence_penalty logit_bias prompt_cache_key safety_identifier'
  ).split(' '),
)
const MESSAGE_LISTS = new Set([
  'messages',
  'input',
  'contents',
  'system',
  'systemInstruction',
  'system_instruction',
  'prompt',
])
/** Fields that hold a medium's bytes or where to fetch them. */
const PAYLOADS = new Set(
  'url data image_url file_data file_id file_url fileUri file_uri fileData inlineData inline_data image bytes'.split(
    ' ',
  ),
)
const MEDIUM_TYPES: ReadonlyMap<string, UsageUnit | undefined> = new Map<string, UsageUnit | undefined>([
  ['image', 'imageInput'],
  ['image_url', 'imageInput'],
  ['input_image', 'imageInput'],
  ['computer_screenshot', 'imageInput'],
  ['input_audio', 'audioInput'],
  ['audio', 'audioInput'],
  ['video', 'videoInput'],
  ['video_url', 'videoInput'],
  ['input_video', 'videoInput'],
  ['file', undefined],
  ['input_file', undefined],
  ['document', undefined],
])
const TIERS: ReadonlyMap<unknown, ServiceTier> = new Map<unknown, ServiceTier>([
  ['default', 'standard'],
  ['standard', 'standard'],
  ['standard_only', 'standard'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['batch', 'batch'],
])

/** @throws {CostError} INVALID_USAGE for a body that is no object, is nested too deep or names a limit that is no count */
export function sizeOf(body: unknown, bytesPerToken: number): RequestSize {
  if (!isBody(body)) throw refusal('$', 'must be a request body')
  if (!(bytesPerToken > 0 && Number.isFinite(bytesPerToken))) throw refusal('bytesPerToken', 'must be above 0')
  const tally: Tally = { bytes: 0, messages: 0, media: 0, kinds: new Set() }
  for (const [field, value] of Object.entries(body)) {
    if (SETTINGS.has(field)) continue
    if (MESSAGE_LISTS.has(field)) tally.messages += Array.isArray(value) ? value.length : 1
    else tally.bytes += Buffer.byteLength(field) + FIELD_BYTES
    measure(value, tally, 1)
  }
  const generation = firstBody(body, 'generationConfig', 'generation_config', 'config')
  if (asksFor(body, generation, 'audio')) tally.kinds.add('audioOutput')
  if (asksFor(body, generation, 'image')) tally.kinds.add('imageOutput')
  return {
    model: typeof body['model'] === 'string' ? body['model'] : undefined,
    inputTokens: Math.ceil(tally.bytes / bytesPerToken) + tally.messages * MESSAGE_TOKENS + tally.media * MEDIUM_TOKENS,
    maxOutputTokens: firstCount(
      [body, 'max_completion_tokens'],
      [body, 'max_output_tokens'],
      [body, 'max_tokens'],
      [generation, 'maxOutputTokens'],
      [generation, 'max_output_tokens'],
    ),
    choices: firstCount([body, 'n'], [generation, 'candidateCount'], [generation, 'candidate_count']) ?? 1,
    media: tally.kinds,
    serviceTier: TIERS.get(body['service_tier']),
  }
}

function measure(value: unknown, tally: Tally, depth: number): void {
  if (depth > DEPTH_MAX) throw refusal('$', 'is nested too deep')
  if (typeof value === 'string') tally.bytes += Buffer.byteLength(value)
  else if (typeof value === 'number' || typeof value === 'boolean') tally.bytes += String(value).length
  else if (Array.isArray(value)) for (const item of value) measure(item, tally, depth + 1)
  else if (isBody(value)) measureBody(value, tally, depth)
}

function measureBody(body: Body, tally: Tally, depth: number): void {
  const medium = mediumOf(body)
  if (medium !== undefined) {
    tally.media += 1
    if (medium.unit !== undefined) tally.kinds.add(medium.unit)
  }
  for (const [field, value] of Object.entries(body)) {
    if (medium !== undefined && PAYLOADS.has(field)) continue
    if (medium !== undefined && (field === 'source' || field === medium.type)) {
      if (isBody(value)) measureSource(value, tally, depth + 1)
      continue
    }
    tally.bytes += Buffer.byteLength(field) + FIELD_BYTES
    measure(value, tally, depth + 1)
  }
}

/** What stands inside a medium: text and names count as text, its payload is the 4096 tokens already counted. */
function measureSource(body: Body, tally: Tally, depth: number): void {
  for (const [field, value] of Object.entries(body)) {
    if (PAYLOADS.has(field) && !(field === 'data' && body['type'] === 'text')) continue
    tally.bytes += Buffer.byteLength(field) + FIELD_BYTES
    measure(value, tally, depth + 1)
  }
}

function mediumOf(body: Body): { readonly type: string; readonly unit: UsageUnit | undefined } | undefined {
  const { type } = body
  // A JSON schema may also say `type: "file"`; only a part that carries something is a medium.
  if (
    typeof type === 'string' &&
    MEDIUM_TYPES.has(type) &&
    ('source' in body || type in body || [...PAYLOADS].some((field) => field in body))
  ) {
    return { type, unit: MEDIUM_TYPES.get(type) }
  }
  const google = firstBody(body, 'inlineData', 'inline_data', 'fileData', 'file_data')
  if (google === undefined) return undefined
  const mime = google['mimeType'] ?? google['mime_type']
  const family = typeof mime === 'string' ? mime.split('/')[0] : undefined
  const unit = family === 'image' || family === 'audio' || family === 'video' ? (`${family}Input` as const) : undefined
  return { type: 'inlineData', unit }
}

function asksFor(body: Body, generation: Body | undefined, medium: string): boolean {
  return [body['modalities'], generation?.['responseModalities'], generation?.['response_modalities']].some(
    (list) => Array.isArray(list) && list.some((item) => typeof item === 'string' && item.toLowerCase() === medium),
  )
}

function firstBody(body: Body, ...fields: readonly string[]): Body | undefined {
  return fields.map((field) => body[field]).find(isBody)
}

function firstCount(...places: readonly (readonly [Body | undefined, string])[]): number | undefined {
  for (const [body, field] of places) {
    const value = body?.[field]
    if (value === undefined || value === null) continue
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw refusal(field, 'must be a whole number from 0')
  }
  return undefined
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refusal(path: string, text: string): CostError {
  return new CostError('INVALID_USAGE', `${path} ${text}`, { fields: { [path]: text } })
}

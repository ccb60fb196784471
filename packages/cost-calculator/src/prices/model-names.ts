/**
 * The spellings under which a model may be priced. A name loses only what is known to be routing or dating, so that a
 * longer name never ends at a shorter, different model (PRI-11, PRI-12).
 */

/** Gateways and path words that stand before a model and say nothing about it. Providers of the book are added. */
const ROUTES = new Set(
  (
    'models publishers accounts projects locations deployments engines endpoints openrouter litellm litellm_proxy bedrock ' +
    'converse invoke azure azure_ai azure_openai vertex vertex_ai vertexai gemini google_genai xai x-ai mistralai ' +
    'together_ai together-ai fireworks fireworks_ai meta-llama deepseek-ai moonshotai cohere_chat text-completion-openai'
  ).split(' '),
)
/** Bedrock inference profiles. */
const REGION = /^(?:us|us-gov|eu|apac|ap|au|jp|ca|sa|global)\./
/** Bedrock model makers. */
const MAKER =
  /^(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|google|qwen|nvidia|moonshotai?|minimax|zai|writer)\./
const YEAR_MONTH_DAY = '20\\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\\d|3[01])'
/** Bedrock revisions; Vertex's `@date`, `@001`, `@default`. */
const REVISION = new RegExp(`(?:-v\\d+:\\d+|@(?:${YEAR_MONTH_DAY}|\\d{3}|default|latest))$`)
const DATE = new RegExp(`-(?:${YEAR_MONTH_DAY}|(?:0[1-9]|1[0-2])-20\\d{2}|latest)$`)
const FINE_TUNED = /^ft:([^:]+)(?::|$)/

/** The names to try, most telling first. */
export interface ModelNames {
  /** The name as given, then without routing. */
  readonly routed: readonly string[]
  /** The same without a date or `-latest`. */
  readonly undated: readonly string[]
}

/** Spellings of a model name, lower case. `isProvider` tells which leading path words are providers of the book. */
export function modelNames(model: string, isProvider: (word: string) => boolean): ModelNames {
  const name = model.trim().toLowerCase()
  const fineTuned = FINE_TUNED.exec(name)?.[1]
  if (fineTuned !== undefined) {
    const undated = fineTuned.replace(DATE, '').replace(/-(?:0[1-9]|1[0-2])\d{2}$/, '')
    return { routed: [...new Set([name, `ft:${fineTuned}`])], undated: undated === fineTuned ? [] : [`ft:${undated}`] }
  }
  const routed = new Set([name])
  let rest = withoutRoute(name, isProvider)
  routed.add(rest)
  rest = rest.replace(REGION, '')
  routed.add(rest)
  routed.add(rest.replace(MAKER, ''))
  for (const spelling of [...routed]) routed.add(spelling.replace(REVISION, ''))
  const undated = new Set<string>()
  for (const spelling of routed) {
    const without = spelling.replace(DATE, '')
    if (without !== spelling) undated.add(without)
  }
  return { routed: [...routed], undated: [...undated].filter((spelling) => spelling !== '' && !routed.has(spelling)) }
}

function withoutRoute(name: string, isProvider: (word: string) => boolean): string {
  let rest = name
  for (;;) {
    const slash = rest.indexOf('/')
    if (slash <= 0 || slash === rest.length - 1) return rest
    const word = rest.slice(0, slash)
    if (!ROUTES.has(word) && !isProvider(word)) return rest
    rest = rest.slice(slash + 1)
  }
}

/** The provider that a name's first path word names, if it is one of the book: `openai/gpt-4o`. */
export function providerInName(model: string, isProvider: (word: string) => boolean): string | undefined {
  const words = model.trim().toLowerCase().split('/').slice(0, -1)
  return words.findLast(isProvider)
}

/** What is asked of everything that reads text from outside: a value, or a refusal of its own kind, in linear time. */

/** One thing that reads text. */
export interface Parser {
  readonly name: string
  /** Texts it takes, to begin with. */
  readonly seeds: readonly string[]
  /**
   * Reads a text.
   *
   * @returns the spelling of what was read, which must be read as the same again; undefined where there is none
   * @throws a refusal
   */
  read(text: string): string | undefined
}

/** The classes in which a refusal may come: those of the packages and of the app. */
const REFUSALS = new Set([
  'AnalyticsError',
  'ApiError',
  'ConfigError',
  'CostError',
  'CryptoError',
  'DatabaseError',
  'IcTokenError',
  'JournalError',
  'RateLimitError',
  'TokenManagerError',
  'UsageError',
])

/** Processor time that a text may take, in milliseconds: far above any honest one, also when garbage is collected meanwhile. */
const PATIENCE_MS = 500

/** Says what is wrong with how a parser takes a text; undefined: nothing. */
export function faultOf(parser: Parser, text: string): string | undefined {
  const before = process.threadCpuUsage()
  const fault = unboundedFaultOf(parser, text)
  const { user, system } = process.threadCpuUsage(before)
  const tookMs = Math.round((user + system) / 1_000)
  return fault ?? (tookMs > PATIENCE_MS ? `slow: ${tookMs} ms for ${text.length} characters` : undefined)
}

function unboundedFaultOf(parser: Parser, text: string): string | undefined {
  let spelling: string | undefined
  try {
    spelling = parser.read(text)
  } catch (error) {
    if (isRefusal(error)) return undefined
    return `throws ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
  }
  if (spelling === undefined) return undefined
  try {
    const again = parser.read(spelling)
    return again === spelling ? undefined : `is read as ${spelling}, and that as ${String(again)}`
  } catch (error) {
    return `is read as ${spelling}, which is refused: ${String(error)}`
  }
}

const isRefusal = (error: unknown): boolean => error instanceof Error && REFUSALS.has(error.constructor.name)

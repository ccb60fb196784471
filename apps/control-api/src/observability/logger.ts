import { destination, type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/**
 * What looks like one of our credentials, a provider's key or a password in a URL, wherever it stands (OPS-16). Whatever
 * begins like one of them is one to its end, so that no text makes this take more than linear time (VAL-18).
 */
const SECRETS =
  /\b((?:ic_)?eyJ[\w.-]+|at_[\w-]{20,}|sk-[\w-]{8,}|AES256:[\w+/=:]+|(?<=:\/\/[^\s/@:"]{0,100}:)[^\s/@"]{1,200}(?=@))/g
/** Characters of one text in a log line. */
const TEXT_MAX = 2_000

/** A text that may be logged. */
export function safeText(text: string): string {
  const masked = text.replace(SECRETS, '[redacted]')
  return masked.length > TEXT_MAX ? `${masked.slice(0, TEXT_MAX)}…` : masked
}

/** Characters of one log line; of a longer one only what identifies it is kept. */
const LINE_MAX = 16_384

/** Nothing that looks like a secret leaves in a line, whichever field it came in, and no line is without bound. */
function safeLine(line: string): string {
  const masked = line.replace(SECRETS, '[redacted]')
  if (masked.length <= LINE_MAX) return masked
  const { level, time, service, request_id, msg } = JSON.parse(masked) as Record<string, unknown>
  const text = typeof msg === 'string' ? msg.slice(0, TEXT_MAX) : undefined
  return `${JSON.stringify({ level, time, service, request_id, msg: text, cut_from_chars: masked.length })}\n`
}

/** JSON lines on stderr; stdout belongs to the listening line alone (design 6). */
export function createLogger(level: string, stream: DestinationStream = stderr()): Logger {
  return pino(
    {
      level,
      base: { service: 'iron-control-api' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ['*.password', '*.token', '*.api_key', '*.ic_token', '*.secret', '*.authorization'],
        censor: '[redacted]',
      },
      serializers: { err: serializeError },
      hooks: { streamWrite: safeLine },
    },
    stream,
  )
}

const stderr = (): DestinationStream => destination({ fd: 2, sync: true })

interface SerializedError {
  readonly type: string
  readonly message: string
  readonly code?: unknown
  readonly stack?: string
  readonly cause?: SerializedError
}

function serializeError(error: unknown): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: safeText(String(error)) }
  return {
    type: error.name,
    message: safeText(error.message),
    ...('code' in error ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: safeText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  }
}

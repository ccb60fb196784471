import { destination, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** What looks like one of our credentials or a provider's key, wherever it stands in a text (OPS-16). */
const SECRETS = /\b(ic_[\w-]+\.[\w.-]+|at_[\w-]{20,}|eyJ[\w-]+\.[\w.-]+|sk-[\w-]{8,}|AES256:[\w+/=:]+)/g
/** Characters of one text in a log line. */
const TEXT_MAX = 2_000

/** A text that may be logged. */
export function safeText(text: string): string {
  const masked = text.replace(SECRETS, '[redacted]')
  return masked.length > TEXT_MAX ? `${masked.slice(0, TEXT_MAX)}…` : masked
}

/** JSON lines on stderr; stdout belongs to the listening line alone (design 6). */
export function createLogger(level: string): Logger {
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
    },
    destination({ fd: 2, sync: true }),
  )
}

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

import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'

/** An exporter that tells of its first failure after a success, and of no further one: a collector may be gone for days. */
export class TellingExporter implements SpanExporter {
  readonly #exporter: SpanExporter
  readonly #note: (error: unknown) => void
  #isTold = false

  constructor(exporter: SpanExporter, note: (error: unknown) => void) {
    this.#exporter = exporter
    this.#note = note
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      const failed = result.code !== ExportResultCode.SUCCESS
      if (failed && !this.#isTold) this.#note(new Error('the collector takes no traces', { cause: result.error }))
      this.#isTold = failed
      // Lost spans are nobody's error but the one that was told.
      done({ code: ExportResultCode.SUCCESS })
    })
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve()
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }
}

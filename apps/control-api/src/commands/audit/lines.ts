import { StringDecoder } from 'node:string_decoder'

/**
 * Characters of the longest line that can be an entry: its texts are at most 64 KiB, and JSON may spell one byte with six
 * characters.
 */
export const LINE_CHARS_MAX = 512 * 1_024

/** What stands in place of a line that is no entry: it fits nowhere in a chain. */
const NO_ENTRY = 'null'

/**
 * The lines of an export, in constant memory whatever the file holds: a line that is too long, and an empty one before the end,
 * is handed on as one that is no entry, so that the number of a line stays that of its entry.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array | string>): AsyncIterable<string> {
  const decoder = new StringDecoder('utf8')
  const lines = new LineBuffer()
  for await (const chunk of chunks) {
    yield* lines.take(typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)))
  }
  yield* lines.take(`${decoder.end()}\n`)
}

class LineBuffer {
  #rest = ''
  #isTooLong = false
  #empty = 0;

  *take(text: string): Iterable<string> {
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#grow(text.slice(from, end))
      yield* this.#end()
      from = end + 1
    }
    this.#grow(text.slice(from))
  }

  #grow(part: string): void {
    if (this.#rest.length + part.length > LINE_CHARS_MAX) {
      this.#isTooLong = true
      this.#rest = ''
    }
    if (!this.#isTooLong) this.#rest += part
  }

  *#end(): Iterable<string> {
    const line = this.#isTooLong ? NO_ENTRY : this.#rest
    this.#rest = ''
    this.#isTooLong = false
    if (line.trim() === '') {
      this.#empty += 1
      return
    }
    for (; this.#empty > 0; this.#empty -= 1) yield NO_ENTRY
    yield line
  }
}

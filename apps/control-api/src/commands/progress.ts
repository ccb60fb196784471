import { clearLine, cursorTo } from 'node:readline'
import type { WriteStream } from 'node:tty'

/** How often the line in a terminal changes, in milliseconds. */
const REDRAW_MS = 100
/** How often a line is added where nobody can be shown a moving one, in milliseconds. */
const LINE_MS = 5_000
const BAR_CHARS = 24

/** Where progress is shown: normally stderr, so that stdout holds nothing but results. */
export type ProgressOutput = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean | undefined }

/** Shows how far long work is: a bar in a terminal, now and then a line in a log, nothing for work that is soon done. */
export class Progress implements Disposable {
  readonly #output: ProgressOutput
  #shownMs = performance.now()
  #isDrawn = false

  constructor(output: ProgressOutput = process.stderr) {
    this.#output = output
  }

  /** @param total undefined when nobody knows */
  at(what: string, done: number, total?: number): void {
    const nowMs = performance.now()
    const isTerminal = this.#output.isTTY === true
    if (nowMs - this.#shownMs < (isTerminal ? REDRAW_MS : LINE_MS)) return
    this.#shownMs = nowMs
    const text = lineOf(what, done, total, isTerminal)
    if (!isTerminal) {
      this.#output.write(`${text}\n`)
      return
    }
    this.#clear()
    this.#output.write(text)
    this.#isDrawn = true
  }

  /** Takes the bar away. */
  [Symbol.dispose](): void {
    if (this.#isDrawn) this.#clear()
    this.#isDrawn = false
  }

  #clear(): void {
    const terminal = this.#output as WriteStream
    clearLine(terminal, 0)
    cursorTo(terminal, 0)
  }
}

function lineOf(what: string, done: number, total: number | undefined, withBar: boolean): string {
  const counted = done.toLocaleString('en-US')
  if (total === undefined || total === 0) return `${what} ${counted}`
  const share = Math.min(1, done / total)
  const bar = '█'.repeat(Math.round(share * BAR_CHARS)).padEnd(BAR_CHARS, '░')
  const percent = `${String(Math.floor(share * 100))}%`
  return `${withBar ? `${bar} ` : ''}${what} ${counted} of ${total.toLocaleString('en-US')} (${percent})`
}

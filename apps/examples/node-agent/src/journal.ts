/**
 * What must outlive this process, one file each: calls that Iron has not acknowledged yet (`<request id>.json`), calls that
 * are running (`.open`, with their worst case), and the lease in hand (`lease`).
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { CallReport } from './iron-api.ts'

/** The key a lease was, or is being, borrowed with; without an id the answer has not come yet. */
export interface LeaseNote {
  readonly key: string
  readonly leaseId?: string
}

export class Journal {
  readonly #folder: string

  /** Calls that were running when the last process died count as failed, at their worst case: the provider may have billed them. */
  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(path.join(folder, 'refused'), { recursive: true })
    for (const file of readdirSync(folder)) {
      if (file.endsWith('.open')) renameSync(this.#at(file), this.#at(file.replace(/open$/, 'json')))
    }
  }

  /** Before a call: the report that is due if nothing more is ever heard of it. */
  begin(worst: CallReport): void {
    this.#write(`${worst.request_id}.open`, worst)
  }

  /** After a call: what it really took; `undefined`: the provider surely billed nothing. */
  end(requestId: string, report: CallReport | undefined): void {
    if (report !== undefined) this.#write(`${requestId}.json`, report)
    rmSync(this.#at(`${requestId}.open`))
  }

  /** Up to `count` reports that wait to be sent. */
  waiting(count: number): CallReport[] {
    const files = readdirSync(this.#folder).filter((file) => file.endsWith('.json'))
    return files.slice(0, count).map((file) => this.#read(file) as CallReport)
  }

  /** Iron has it. */
  acknowledged(requestId: string): void {
    rmSync(this.#at(`${requestId}.json`), { force: true })
  }

  /** Iron will never take it: kept for a person to look at. */
  refused(requestId: string): void {
    renameSync(this.#at(`${requestId}.json`), this.#at(`refused/${requestId}.json`))
  }

  get lease(): LeaseNote | undefined {
    return existsSync(this.#at('lease')) ? (this.#read('lease') as LeaseNote) : undefined
  }

  set lease(note: LeaseNote | undefined) {
    if (note === undefined) rmSync(this.#at('lease'), { force: true })
    else this.#write('lease', note)
  }

  #at(file: string): string {
    return path.join(this.#folder, file)
  }

  #read(file: string): unknown {
    return JSON.parse(readFileSync(this.#at(file), 'utf8'))
  }

  /** Whole or not at all, and on the disk before anybody goes on. */
  #write(file: string, content: unknown): void {
    const draft = this.#at(`${file}.draft`)
    const handle = openSync(draft, 'w', 0o600)
    writeSync(handle, JSON.stringify(content))
    fsyncSync(handle)
    closeSync(handle)
    renameSync(draft, this.#at(file))
  }
}

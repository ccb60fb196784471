/** Whatever a story told, held against a file in which a reviewer reads it whole. */
import { readFileSync, writeFileSync } from 'node:fs'

/** Names for what differs from run to run. */
export class Names {
  readonly #names = new Map<string, string>()
  readonly #others: readonly (readonly [pattern: RegExp, name: string])[]

  /** @param others what nobody names one by one */
  constructor(...others: readonly (readonly [pattern: RegExp, name: string])[]) {
    this.#others = others
  }

  /** @returns the id */
  name(id: string, name: string): string {
    this.#names.set(id, name)
    return id
  }

  /** The same value, as JSON has it, with names for ids. */
  in(value: unknown): unknown {
    let text = JSON.stringify(value)
    for (const [id, name] of this.#names) text = text.replaceAll(id, name)
    for (const [pattern, name] of this.#others) text = text.replace(pattern, name)
    return JSON.parse(text)
  }
}

/** What stands in a file of JSON. With `IRON_TEST_WRITE_TOLD=1` what was told is written there first. */
export function asToldIn(file: URL, told: unknown): unknown {
  if (process.env['IRON_TEST_WRITE_TOLD'] === '1') writeFileSync(file, `${JSON.stringify(told, undefined, 2)}\n`)
  return JSON.parse(readFileSync(file, 'utf8'))
}

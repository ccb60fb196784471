/** Ids and tokens as a person can follow them through a trace: numbered in the order in which they appear. */
export class ShortNames {
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  shorten(text: string): string {
    return text.replace(LONG, (id, prefix: string) => {
      const known = this.#names.get(id)
      if (known !== undefined) return known
      const count = (this.#counts.get(prefix) ?? 0) + 1
      this.#counts.set(prefix, count)
      const name = `${prefix}#${count}`
      this.#names.set(id, name)
      return name
    })
  }
}

/** `<prefix>_<uuid>`, and IC tokens. */
const LONG = /\b(lease|agent|user|breq|ic)_(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|eyJ[\w.-]+)/g

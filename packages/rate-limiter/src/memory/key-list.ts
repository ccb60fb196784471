/** Keys in chunks: a list of a million that grows in one piece stalls the process whenever it is moved. */
const CHUNK_SHIFT = 10
const CHUNK = 1 << CHUNK_SHIFT
const CHUNK_MASK = CHUNK - 1

export class KeyList {
  readonly #chunks: string[][] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  at(index: number): string | undefined {
    return this.#chunks[index >> CHUNK_SHIFT]?.[index & CHUNK_MASK]
  }

  push(key: string): void {
    if (this.#length === this.#chunks.length << CHUNK_SHIFT) this.#chunks.push([])
    this.#chunks.at(-1)?.push(key)
    this.#length += 1
  }

  /** Takes a key out; the last one moves to its place. */
  remove(index: number): void {
    const last = this.#chunks.at(-1)
    const moved = last?.pop()
    if (last === undefined || moved === undefined) return
    this.#length -= 1
    if (last.length === 0) this.#chunks.pop()
    const chunk = this.#chunks[index >> CHUNK_SHIFT]
    if (index < this.#length && chunk !== undefined) chunk[index & CHUNK_MASK] = moved
  }
}

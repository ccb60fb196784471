import { CryptoError, type CryptoErrorCode } from '../src/index.ts'

export function errorOf(work: () => unknown): CryptoError {
  try {
    work()
  } catch (error) {
    if (error instanceof CryptoError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

export function codeOf(work: () => unknown): CryptoErrorCode {
  return errorOf(work).code
}

export function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

/** Every text that differs from the given one in one character, by one flipped bit of it. */
export function* flips(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += 1) {
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      yield text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ bit) + text.slice(at + 1)
    }
  }
}

/** What every buffer held at the moment it was zeroed while `work` ran. */
export function zeroedDuring(work: () => unknown): string[] {
  const zeroed: string[] = []
  const restore = [Uint8Array, Buffer].map((type) => watchFill(type.prototype as object, zeroed))
  try {
    work()
  } finally {
    for (const undo of restore) undo()
  }
  return zeroed
}

function watchFill(prototype: object, zeroed: string[]): () => void {
  const original = Reflect.get(prototype, 'fill') as (...args: unknown[]) => unknown
  const own = Object.getOwnPropertyDescriptor(prototype, 'fill')
  const watching = function (this: Uint8Array, ...args: unknown[]): unknown {
    if (args[0] === 0) zeroed.push(Buffer.from(this).toString('latin1'))
    return Reflect.apply(original, this, args)
  }
  Object.defineProperty(prototype, 'fill', { value: watching, configurable: true, writable: true })
  return () => {
    if (own === undefined) Reflect.deleteProperty(prototype, 'fill')
    else Object.defineProperty(prototype, 'fill', own)
  }
}

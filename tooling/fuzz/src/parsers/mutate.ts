/** Makes another text of texts that a parser knows. */
import type { Chance } from '../chance.ts'

/** Longer texts find nothing that shorter ones do not, and take their time. */
const CHARACTERS_MAX = 4_096

/** What parsers stumble over. */
const MORSELS: readonly string[] = [
  '',
  '\0',
  '\n',
  ' ',
  '\ud800',
  '\udc00',
  '\ufeff',
  '\u0660',
  'é',
  '😀',
  '%',
  '%00',
  '%zz',
  '%c3%28',
  '..',
  '//',
  ':',
  '::',
  '@',
  '[',
  ']',
  '{}',
  '[]',
  'null',
  '"',
  '\\u0000',
  '-',
  '-0',
  '+',
  '.',
  ',',
  '=',
  '_',
  'e',
  'e999',
  'e-999',
  '9007199254740993',
  '999999999999999999999',
  '__proto__',
  'constructor',
  'a'.repeat(300),
]

/** A text that differs in one to a few places. */
export function mutated(chance: Chance, corpus: readonly string[]): string {
  let text = chance.pick(corpus)
  do text = once(chance, text, corpus)
  while (chance.happens(0.5))
  return text.slice(0, CHARACTERS_MAX)
}

function once(chance: Chance, text: string, corpus: readonly string[]): string {
  const at = chance.below(text.length + 1)
  const to = Math.min(text.length, at + chance.below(8))
  const [head, cut, tail] = [text.slice(0, at), text.slice(at, to), text.slice(to)]
  const other = chance.pick(corpus)
  switch (chance.below(7)) {
    case 0:
      return head + tail
    case 1:
      return head + chance.pick(MORSELS) + tail
    case 2:
      return head + chance.pick(MORSELS) + cut + tail
    case 3:
      return head + cut.repeat(1 + chance.below(20)) + tail
    case 4:
      return head + String.fromCharCode(chance.below(128)) + text.slice(at + 1)
    case 5:
      return head + other.slice(chance.below(other.length + 1))
    default:
      return head + String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << chance.below(8))) + text.slice(at + 1)
  }
}

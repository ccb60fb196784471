import { setImmediate } from 'node:timers/promises'

/** Characters that are read in one turn of the event loop: about a millisecond's work. */
const PIECE_CHARACTERS = 65_536

const [ZERO_DIGIT, NINE_DIGIT, COLON, COMMA, BRACE] = Array.from('09:,}', (character) => character.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
]

/** Told each value that is counted, and how many calls have it. */
export type VisitCount = (value: number, calls: number) => void

/**
 * Reads counts as roll-ups keep them, one text behind the other: `{"120":3,"131":1}{"99":2}`. A month of them is tens of
 * megabytes, so they are read digit by digit, which takes a tenth of the time that JSON takes, and piece by piece, so that others
 * are answered in between.
 */
export async function readCounts(texts: string, visit: VisitCount): Promise<void> {
  for (let from = 0; from < texts.length;) {
    const comma = texts.indexOf(',', from + PIECE_CHARACTERS)
    const to = comma === -1 ? texts.length : comma + 1
    readPiece(texts, from, to, visit)
    from = to
    await setImmediate()
  }
}

/** From behind a comma, or from the beginning, to behind another one, or to the end. */
function readPiece(texts: string, from: number, to: number, visit: VisitCount): void {
  let value = 0
  let number = 0
  let hasDigits = false
  for (let index = from; index < to; index += 1) {
    const code = texts.charCodeAt(index)
    if (code >= ZERO_DIGIT && code <= NINE_DIGIT) {
      number = number * 10 + (code - ZERO_DIGIT)
      hasDigits = true
    } else if (code === COLON) {
      value = number
      number = 0
    } else if (code === COMMA || code === BRACE) {
      if (hasDigits) visit(value, number)
      number = 0
      hasDigits = false
    }
  }
}

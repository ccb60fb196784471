import { type RawBuilder, sql, type SqlBool } from 'kysely'
import type { ReadTx } from './transaction.ts'

/**
 * Patterns for a text anywhere in another, whatever the case of either, in every script: the engines' own `lower` knows ASCII
 * only. Each letter becomes a class of its spellings; no character of the text has a meaning of its own (VAL-11), and
 * nothing in a pattern repeats but the beginning and the end (VAL-18).
 */

/** Whether a column contains a text, whatever the case of either, in every script. No character of the text is special. */
export function containsText(tx: ReadTx, column: string, text: string): RawBuilder<SqlBool> {
  const searched = sql.ref(column)
  if (tx.dialect === 'sqlite') return sql<SqlBool>`glob(${globPattern(text)}, ${searched})`
  // ASCII has no spellings beyond ASCII, all that `lower` knows in "C": PostgreSQL finds it in half the time that a pattern takes. In
  // the database's own collation a Turkish one would not find an I.
  if (/^[\0-\x7f]*$/.test(text)) return sql<SqlBool>`strpos(lower(${searched} COLLATE "C"), ${text.toLowerCase()}) > 0`
  return sql<SqlBool>`${searched} ~ ${regexPattern(text)}`
}

/** For SQLite's `glob`. */
export function globPattern(text: string): string {
  return `*${Array.from(text).map(globOf).join('')}*`
}

/** For PostgreSQL's `~`. */
export function regexPattern(text: string): string {
  return Array.from(text).map(regexOf).join('')
}

/** A character in all its cases, each of them one character. */
function spellings(character: string): readonly string[] {
  const upper = character.toUpperCase()
  const all = [character, character.toLowerCase(), upper, upper.toLowerCase()]
  // The one letter in daily use with two lower-case forms.
  if (upper === 'Σ') all.push('ς')
  return [...new Set(all)].filter((spelling) => Array.from(spelling).length === 1)
}

function globOf(character: string): string {
  const all = spellings(character)
  return all.length > 1 || '*?['.includes(character) ? `[${all.join('')}]` : character
}

function regexOf(character: string): string {
  const all = spellings(character)
  if (all.length > 1) return `[${all.join('')}]`
  return /[A-Za-z0-9]|[^\0-\x7f]/.test(character) ? character : `\\${character}`
}

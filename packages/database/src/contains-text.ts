/**
 * Patterns for a text anywhere in another, whatever the case of either, in every script: the engines' own `lower` knows ASCII
 * only. Each letter becomes a class of its spellings; no character of the text has a meaning of its own (VAL-11), and
 * nothing in a pattern repeats but the beginning and the end (VAL-18).
 */
import { type RawBuilder, sql, type SqlBool } from 'kysely'
import { HIDDEN } from './statement.ts'
import type { ReadTx } from './transaction.ts'

const ASCII = /^[\0-\x7f]*$/

/**
 * Whether a column contains a text, whatever the case of either, in every script. No character of the text is special. ASCII has no
 * spellings beyond ASCII, which is all that SQLite's `like` and PostgreSQL's `lower` in "C" fold: without classes it is found in half the
 * time on PostgreSQL, in a third to nine tenths of it on SQLite. In the database's own collation a Turkish PostgreSQL would not find an I.
 */
export function containsText(tx: ReadTx, column: string, text: string): RawBuilder<SqlBool> {
  const searched = sql.ref(column)
  const isAscii = ASCII.test(text)
  if (tx.dialect === 'sqlite') {
    if (!isAscii) return sql<SqlBool>`glob(${globPattern(text)}, ${searched})`
    return sql<SqlBool>`${searched} LIKE ${sql.raw(HIDDEN)}${likePattern(text)} ESCAPE '\\'`
  }
  if (isAscii) return sql<SqlBool>`strpos(lower(${searched} COLLATE "C"), ${text.toLowerCase()}) > 0`
  return sql<SqlBool>`${searched} ~ ${regexPattern(text)}`
}

/** For `like` with a backslash that escapes. */
function likePattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
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

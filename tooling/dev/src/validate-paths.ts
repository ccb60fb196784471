/**
 * The development database has one path, `./iron.db`, and no tracked text leads anybody to another one, to a file in git, or to a
 * folder of one machine (seed-and-dev-workflow 4). What is staged for a commit can be checked instead of the working tree.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Finding } from './finding.ts'
import { stagedFiles, stagedText, trackedFiles } from './tracked-files.ts'
import { type Category, categoryOf } from './validate-paths/category.ts'
import { EXCEPTIONS } from './validate-paths/exceptions.ts'

/** The one URL; the path is what follows the colon. */
const CANONICAL_URL = 'sqlite:./iron.db'
const CANONICAL = new Set(['./iron.db', 'iron.db', CANONICAL_URL, 'file:./iron.db'])
/** Databases that examples of package READMEs may open, and the file that examples back up into. */
const IN_EXAMPLES = new Set([
  ...['users.db', 'tokens.db', 'budgets.db', 'agents.db', 'analytics.db', 'journal.db', 'protocol.db', 'iron.db'],
  ...['backup.db', 'restored.db'],
])
/** Where backups go, by default and in examples. */
const BACKUPS = /^(?:\.\/)?backups\//

const DATABASE_FILE = /\.(db|sqlite3?)(-wal|-shm|-journal|\.secrets)?$/
/** What a text calls a database: quoted in code, by itself in documents. */
const QUOTED = /(?<=['"`])[^'"`\s]*\.(?:db|sqlite3?)(?=['"`?])/g
const BARE = /[\w:.~/$\\-]*[\w/]\.(?:db|sqlite3?)(?![\w(.=-])/g
const URL = /\bsqlite:(?!:memory:)[^\s'"`|,;()<>…]*/g
const MACHINE_PATH =
  /(?<![\w.~/})-])\/(?:home|Users|root|tmp|var\/tmp|private\/var)\/[\w.]|\b[A-Z]:\\(?:Users|Temp)\\\w/g
const BINARY = /\0/

/** Every fault of the tracked files, or of what is staged. */
export async function validatePaths(root: string, options: { readonly staged?: boolean } = {}): Promise<Finding[]> {
  const { staged = false } = options
  const findings: Finding[] = []
  for (const file of staged ? await stagedFiles(root) : await trackedFiles(root)) {
    if (DATABASE_FILE.test(file)) {
      findings.push({ rule: 'database-in-git', where: file, text: 'is a database file: git rm --cached it' })
      continue
    }
    const category = categoryOf(file)
    if (category === undefined || (!staged && !existsSync(path.join(root, file)))) continue
    const text = staged ? await stagedText(root, file) : await readFile(path.join(root, file), 'utf8')
    if (!BINARY.test(text)) findings.push(...faultsOf(file, category, text))
  }
  return findings
}

function faultsOf(file: string, category: Category, text: string): Finding[] {
  const allowed = EXCEPTIONS.filter((exception) => exception.file === file).map(({ what }) => what)
  return text.split('\n').flatMap((line, index) =>
    lineFaults(category, line)
      .filter(({ what }) => !allowed.some((exception) => what.startsWith(exception)))
      .map(({ rule, what, why }) => ({ rule, where: `${file}:${String(index + 1)}`, text: `${what} ${why}` })),
  )
}

interface Fault {
  readonly rule: string
  readonly what: string
  readonly why: string
}

function lineFaults(category: Category, line: string): Fault[] {
  const found = (pattern: RegExp): string[] => [...line.matchAll(pattern)].map(([match]) => match)
  return [
    ...found(MACHINE_PATH).map((what) => ({ rule: 'machine-path', what, why: 'exists on some machines only' })),
    ...databasesIn(category, found),
    ...found(URL)
      .filter((what) => category !== 'test' && !what.includes('$') && what.length > 'sqlite:'.length)
      .filter((what) => !CANONICAL.has(what.replace(/[.:]$/, '')))
      .map((what) => ({ rule: 'default-url', what, why: `is not ${CANONICAL_URL}` })),
  ]
}

function databasesIn(category: Category, found: (pattern: RegExp) => string[]): Fault[] {
  const rule = 'database-path'
  // A URL has a rule of its own outside of tests.
  const named = found(category === 'document' || category === 'configuration' ? BARE : QUOTED).filter(
    (what) => category === 'test' || !what.startsWith('sqlite:'),
  )
  switch (category) {
    case 'test':
      // A bare name is a part of a private folder's path; a path of its own is a file that another test may meet.
      return named
        .filter((what) => /^(?:\.{0,2}\/|~|sqlite:|file:|[A-Z]:\\)/.test(what) && !what.includes('$'))
        .map((what) => ({ rule, what, why: "is a file: use createTestDb({ storage: 'file' })" }))
    case 'document':
      return named
        .filter((what) => !IN_EXAMPLES.has(path.posix.basename(what)) && !BACKUPS.test(what))
        .map((what) => ({ rule, what, why: `is not ./iron.db nor a name that examples use` }))
    case 'configuration':
    case 'source':
      return named
        .filter((what) => !CANONICAL.has(what) && !/[$}*^[]/.test(what))
        .map((what) => ({ rule, what, why: 'is not ./iron.db' }))
  }
}

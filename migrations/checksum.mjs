import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'

const VALUE_IMPORT = /^(?:import|export)\s+(?!type\b)[^'"]*?from\s+'(\.[^']+)'/gms

/** The step's file and everything it imports from this folder: an edit of any of them is an edit of the step. */
export function sourcesOf(file) {
  const found = new Set()
  const open = [path.resolve(file)]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    const folder = path.dirname(next)
    for (const [, specifier] of readFileSync(next, 'utf8').matchAll(VALUE_IMPORT))
      open.push(path.resolve(folder, specifier))
  }
  return [...found].sort()
}

/** SHA-256 over names and texts, with the line ends of the repository whatever the checkout uses. */
export function checksumOf(file) {
  const hash = createHash('sha256')
  const folder = path.dirname(path.resolve(file))
  for (const source of sourcesOf(file)) {
    const name = path.relative(folder, source).replaceAll(path.sep, '/')
    hash.update(`${name}\n${readFileSync(source, 'utf8').replaceAll('\r\n', '\n')}\n`)
  }
  return hash.digest('hex')
}

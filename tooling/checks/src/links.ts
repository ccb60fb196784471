/**
 * No Markdown file points into the void: every relative link names a tracked file or folder, and every `#anchor` a heading of the
 * page it points to. Addresses elsewhere are not asked.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import GithubSlugger from 'github-slugger'
import type { Check, Finding } from './finding.ts'
import { trackedFiles } from './tracked-files.ts'

const FENCED = /^(`{3,}|~{3,})[^]*?^\1/gm
const CODE = /`[^`\n]*`/g
const LINK = /\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|^\[[^\]]+\]: (\S+)/gm
const HEADING = /^#{1,6} +(.+?) *#*$/gm
const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i

export const checkLinks: Check = async (root) => {
  const tracked = await trackedFiles(root)
  const places = new Set(tracked.flatMap((file) => [file, ...foldersOf(file)]))
  const pages = new Map<string, string>()
  for (const file of tracked.filter((each) => each.endsWith('.md'))) {
    pages.set(file, await readFile(path.join(root, file), 'utf8'))
  }
  const findings: Finding[] = []
  for (const [page, text] of pages) {
    // What is shown as code is no link; lines stay where they are.
    const prose = text.replaceAll(FENCED, blank).replaceAll(CODE, blank)
    for (const match of prose.matchAll(LINK)) {
      const link = match[1] ?? match[2] ?? ''
      const fault = ELSEWHERE.test(link) ? undefined : linkFault(page, link, places, pages)
      if (fault === undefined) continue
      const line = prose.slice(0, match.index).split('\n').length
      findings.push({ rule: 'dead-link', where: `${page}:${line}`, text: `${link}: ${fault}` })
    }
  }
  return findings
}

function linkFault(
  page: string,
  link: string,
  places: ReadonlySet<string>,
  pages: ReadonlyMap<string, string>,
): string | undefined {
  const [file = '', anchor] = decoded(link).split('#')
  const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file).replace(/\/$/, '')
  if (!places.has(target)) return 'there is no such file'
  if (anchor === undefined) return undefined
  const text = pages.get(target)
  if (text === undefined) return 'an anchor in what is no page'
  return anchorsOf(text).has(anchor) ? undefined : 'there is no such heading'
}

/** What is not percent-encoded properly stands for itself: there is no such file. */
function decoded(link: string): string {
  try {
    return decodeURI(link)
  } catch {
    return link
  }
}

/** As GitHub makes them. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const slugger = new GithubSlugger()
  const headings = markdown.replaceAll(FENCED, blank).matchAll(HEADING)
  return new Set(Array.from(headings, ([, text = '']) => slugger.slug(text.replaceAll(/[`*]/g, ''))))
}

function foldersOf(file: string): string[] {
  const folder = path.posix.dirname(file)
  return folder === '.' ? ['.'] : [folder, ...foldersOf(folder)]
}

const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ')

/**
 * Heads of the chains as an operator keeps them outside of the database: `<seq>:<hash>` of the audit log and
 * `<agent id>:<seq>:<hash>` of an agent's ledger, one a line in a file.
 */
import { readFile } from 'node:fs/promises'
import type { AuditHead } from '@iron/journal'
import type { LedgerHead } from '@iron/lease-manager'
import { UsageError } from '../command-line/exit-codes.ts'

/** Heads that a verification is held against. */
export interface KeptHeads {
  readonly audit: AuditHead | undefined
  readonly ledger: readonly LedgerHead[]
}

/** Options of commands that hold a database against heads that were kept elsewhere. */
export interface HeadOptions {
  readonly expect?: readonly string[] | undefined
  /** A file of such heads. */
  readonly expectFile?: string | undefined
}

const HEAD = /^(?:(.{1,255}):)?(\d{1,15}):([0-9a-f]{64})$/

/** Reads a head of the audit log. @throws {UsageError} unless it is `<seq>:<hash>` */
export function parseAuditHead(text: string): AuditHead {
  const head = parseHead(text)
  if ('agentId' in head) throw new UsageError(`must be <seq>:<hash>, not ${text}`)
  return head
}

/**
 * Reads heads of either kind, each of one chain.
 *
 * @throws {UsageError} naming what is no head, or the chain that is named twice
 */
export function parseHeads(texts: readonly string[]): KeptHeads {
  let audit: AuditHead | undefined
  const ledger = new Map<string, LedgerHead>()
  for (const head of texts.map(parseHead)) {
    const isSecond = 'agentId' in head ? ledger.has(head.agentId) : audit !== undefined
    if (isSecond)
      throw new UsageError(`two heads of ${'agentId' in head ? head.agentId : 'the audit log'} are expected`)
    if ('agentId' in head) ledger.set(head.agentId, head)
    else audit = head
  }
  return { audit, ledger: [...ledger.values()] }
}

/** The heads that a command was given. @throws {UsageError} as {@link parseHeads} */
export async function keptHeads({ expect = [], expectFile }: HeadOptions): Promise<KeptHeads> {
  return parseHeads([...expect, ...(expectFile === undefined ? [] : await readHeads(expectFile))])
}

/** The heads in a file, one a line; empty lines and lines that start with `#` are passed over. */
async function readHeads(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split(/\r?\n/)
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

export function formatHead(head: AuditHead | LedgerHead): string {
  const chain = 'agentId' in head ? `${head.agentId}:` : ''
  return `${chain}${String(head.seq)}:${head.hash}`
}

function parseHead(text: string): AuditHead | LedgerHead {
  const [, agentId, seq, hash] = HEAD.exec(text) ?? []
  if (hash === undefined) throw new UsageError(`must be <seq>:<hash> or <agent id>:<seq>:<hash>, not ${text}`)
  return agentId === undefined ? { seq: Number(seq), hash } : { agentId, seq: Number(seq), hash }
}

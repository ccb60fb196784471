/** Reads what strace wrote of a server: which answers left it, and whether the journal was on disk by then. */

/** One acknowledgement, as it left the server. */
export interface Acknowledgement {
  /** How much of the journal was forced to disk before it, from its beginning, in bytes. */
  readonly syncedBytes: number
  /** Bytes that had been written to it and not yet forced: what a power cut at this instant would take away. */
  readonly unsyncedBytes: number
  /** Writes to the journal, and forcings of it, since the acknowledgement before. */
  readonly writes: number
  readonly syncs: number
}

/** `-y` names the file behind a descriptor, `-f` puts the thread first. A call that another interrupts is told in two lines. */
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/
const WHOLE = /^(\d+) +(\w+)\((.*)$/
const WRITTEN = /, (\d+), (\d+)\) += (\d+)$/
const SUCCEEDED = /\) += \d+$/

export const TRACED_CALLS = 'pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg'

/** @param journal the path of the write-ahead log */
export function acknowledgementsIn(trace: string, journal: string): Acknowledgement[] {
  const found: Acknowledgement[] = []
  let written = 0
  let synced = 0
  let unsynced = 0
  let writes = 0
  let syncs = 0
  for (const { name, text } of callsIn(trace)) {
    const isJournal = text.includes(`<${journal}>`)
    if (name === 'pwrite64' && isJournal) {
      const [, , offset, bytes] = WRITTEN.exec(text) ?? []
      written = Number(offset) + Number(bytes)
      unsynced += Number(bytes)
      writes += 1
    } else if (/^f(data)?sync$/.test(name) && isJournal && SUCCEEDED.test(text)) {
      synced = written
      unsynced = 0
      syncs += 1
    } else if (text.includes('"HTTP/1.1 200')) {
      found.push({ syncedBytes: synced, unsyncedBytes: unsynced, writes, syncs })
      writes = 0
      syncs = 0
    }
  }
  return found
}

interface SystemCall {
  readonly name: string
  /** Arguments and result. */
  readonly text: string
}

/**
 * In the order in which they count: a write to a socket when it begins, because from then on the client may have it; all else when
 * it has returned.
 */
function* callsIn(trace: string): Generator<SystemCall> {
  const open = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const [, beginner = '', begun, first = ''] = BEGUN.exec(line) ?? []
    if (begun !== undefined) {
      if (first.includes('"HTTP/1.1 ')) yield { name: begun, text: first }
      else open.set(beginner, first)
      continue
    }
    const [, thread = '', resumed, rest = ''] = RESUMED.exec(line) ?? []
    if (resumed !== undefined) {
      const beginning = open.get(thread)
      open.delete(thread)
      if (beginning !== undefined) yield { name: resumed, text: beginning + rest }
      continue
    }
    const [, , name, text = ''] = WHOLE.exec(line) ?? []
    if (name !== undefined) yield { name, text }
  }
}

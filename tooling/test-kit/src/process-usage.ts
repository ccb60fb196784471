/** What processes cost, read from /proc: Linux only, like the figures that are made of it. */
import { readFileSync } from 'node:fs'

/** Ticks of a second in /proc/…/stat: 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100

/** Processor time of a process and all its descendants so far, in seconds. */
export function processorSeconds(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + ownSeconds(each), 0)
}

/** Memory of a process that no other could have, in MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1_024
}

function processTree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    const below = children.split(/\s+/).filter(Boolean)
    return [pid, ...below.flatMap((child) => processTree(Number(child)))]
  } catch {
    return []
  }
}

function ownSeconds(pid: number): number {
  try {
    // The name, in parentheses, may hold anything; the fields after it are numbers.
    const [, fields = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    const values = fields.split(' ')
    return (Number(values[11]) + Number(values[12])) / TICKS_PER_SECOND
  } catch {
    return 0
  }
}

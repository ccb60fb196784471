import { readFileSync } from 'node:fs'

/** Resident memory of a process, in MiB. */
export function memoryMb(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}

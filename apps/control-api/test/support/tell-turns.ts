// Loaded before a server: tells, when it ends, how much processor time its main thread took between two turns of its event loop,
// since it was last sent SIGUSR2.
import { writeSync } from 'node:fs'

/** How often it looks, in milliseconds. A longer turn is seen whole. */
const EVERY_MS = 5

const usedMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

const turns: number[] = []
let before = usedMs()
setInterval(() => {
  const now = usedMs()
  turns.push(now - before)
  before = now
}, EVERY_MS).unref()

// What the start took is not asked for.
process.on('SIGUSR2', () => (turns.length = 0))

process.on('exit', () => {
  turns.sort((one, other) => one - other)
  const p99 = turns[Math.floor((turns.length - 1) * 0.99)] ?? Number.NaN
  const third = turns.at(-3) ?? Number.NaN
  writeSync(1, `turns of the main thread: p99 ${p99.toFixed(3)} ms, third longest ${third.toFixed(3)} ms\n`)
})

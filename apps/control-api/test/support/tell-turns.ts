// Loaded before a server: tells, when it ends, how much processor time its main thread took between two turns of its event loop,
// since it was last sent SIGUSR2.
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

/** How often it looks, in milliseconds. A longer turn is seen whole. */
const EVERY_MS = 5

const usedMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

// It is loaded into every thread of the process; the others may take as long as they like.
if (isMainThread) {
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
    const at = (share: number): string => (turns[Math.floor((turns.length - 1) * share)] ?? Number.NaN).toFixed(3)
    writeSync(1, `turns of the main thread: p99 ${at(0.99)} ms, longest ${at(1)} ms\n`)
  })
}

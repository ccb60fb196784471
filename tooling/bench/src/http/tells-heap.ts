// Loaded into a server before it starts: at each SIGUSR2 it collects its garbage and tells, on stderr, how many bytes are in use then.
import { isMainThread } from 'node:worker_threads'

let told = 0
if (isMainThread) {
  process.on('SIGUSR2', () => {
    globalThis.gc?.()
    told += 1
    process.stderr.write(`heap ${String(told)}: ${String(process.memoryUsage().heapUsed)}\n`)
  })
}

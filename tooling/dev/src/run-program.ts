import { spawn } from 'node:child_process'
import { ROOT } from './root.ts'

/** Runs a Node program with this process's input and output, hands signals on, and resolves to its exit code. */
export function runNode(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const handOn = (signal: NodeJS.Signals): void => void child.kill(signal)
  for (const signal of signals) process.on(signal, handOn)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const one of signals) process.off(one, handOn)
      resolve(code ?? (signal === null ? 1 : 0))
    })
  })
}

/** `iron …` from its sources. */
export const IRON = ['--conditions=@iron/source', 'apps/control-api/src/main.ts'] as const

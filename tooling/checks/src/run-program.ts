import { execFile } from 'node:child_process'

export interface Outcome {
  /** The exit code; 1 when a signal ended it, 124 (as `timeout` has it) when its time was up. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/**
 * Runs a program to its end. `NODE_OPTIONS` is left out: a check looks at what a user gets, not at what the condition
 * `@iron/source` of a test run resolves to. @throws Error when the program cannot be started
 */
export function runProgram(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string | undefined>>
    readonly timeoutMs?: number
  },
): Promise<Outcome> {
  const env = { ...process.env, NODE_OPTIONS: undefined, ...options.env }
  const limits = { maxBuffer: OUTPUT_BYTES_MAX, timeout: options.timeoutMs ?? 0, killSignal: 'SIGKILL' as const }
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { cwd: options.cwd, env, ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr })
      else if (typeof error.code === 'string') reject(new Error(`${command}: ${error.message}`, { cause: error }))
      else resolve({ code: error.code ?? (error.killed === true ? 124 : 1), stdout, stderr })
    })
  })
}

/** All of what a program wrote, on one line, for a finding's text. */
export function onOneLine({ stdout, stderr }: Outcome): string {
  return `${stdout}\n${stderr}`.replaceAll(/\s+/g, ' ').trim()
}

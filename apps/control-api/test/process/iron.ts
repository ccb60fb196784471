import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { mainProgram } from '../support/server-process.ts'

/** Runs `iron …` from its sources with an environment of an installation. */
export async function iron(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  input = '',
): Promise<Record<'code' | 'out' | 'err', string>> {
  const child = spawn(process.execPath, ['--conditions=@iron/source', mainProgram, ...args], {
    env: { ...process.env, ...env, NODE_OPTIONS: '' },
  })
  child.stdin.end(input)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: String(code), out, err }
}

import { globSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { onOneLine, runProgram } from './run-program.ts'

/** What pnpm would publish: `publishConfig` applied, workspace ranges replaced. The tarball's path. @throws Error with pnpm's words */
export async function packMember(folder: string, into: string): Promise<string> {
  const own = path.join(into, path.basename(folder))
  rmSync(own, { recursive: true, force: true })
  const pack = await runProgram('pnpm', ['pack', '--pack-destination', own], { cwd: folder })
  const [tarball] = globSync('*.tgz', { cwd: own })
  if (pack.code !== 0 || tarball === undefined) throw new Error(`pnpm pack: ${onOneLine(pack)}`)
  return path.join(own, tarball)
}

/** What plain npm would pack, as {@link packMember} does. @throws Error with npm's words */
export async function packByNpm(folder: string, into: string): Promise<string> {
  mkdirSync(into, { recursive: true })
  const pack = await runProgram('npm', ['pack', '--pack-destination', into], { cwd: folder })
  const [tarball] = globSync('*.tgz', { cwd: into })
  if (pack.code !== 0 || tarball === undefined) throw new Error(`npm pack: ${onOneLine(pack)}`)
  return path.join(into, tarball)
}

/** The files of a tarball, without the leading `package/`. */
export async function listTarball(tarball: string): Promise<string[]> {
  const { stdout } = await runProgram('tar', ['-tzf', tarball], { cwd: path.dirname(tarball) })
  return stdout.split('\n').flatMap((line) => (line.startsWith('package/') ? [line.slice('package/'.length)] : []))
}

/** One file of a tarball as text. */
export async function readFromTarball(tarball: string, file: string): Promise<string> {
  const { stdout } = await runProgram('tar', ['-xzOf', tarball, `package/${file}`], { cwd: path.dirname(tarball) })
  return stdout
}

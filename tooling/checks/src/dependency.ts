/** Where the programs are that the checks run: dependencies of this package, wherever pnpm put them. */
import { readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../node_modules', import.meta.url))

/** The real folder of a dependency. */
export function dependencyFolder(name: string): string {
  return realpathSync(path.join(modules, name))
}

/** The file behind a dependency's command, to be run by this Node. @throws Error when it has no such command */
export function dependencyProgram(name: string, command: string = name): string {
  const folder = dependencyFolder(name)
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    bin?: string | Record<string, string>
  }
  const file = typeof bin === 'string' ? bin : bin?.[command]
  if (file === undefined) throw new Error(`${name} has no command ${command}`)
  return path.join(folder, file)
}

/** Where the programs are that a check runs: dependencies of this package, or of the one that asks, wherever pnpm put them. */
import { readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ownModules = new URL('../node_modules', import.meta.url)

/** The real folder of a dependency. */
export function dependencyFolder(name: string, modules: URL = ownModules): string {
  return realpathSync(path.join(fileURLToPath(modules), name))
}

/** The file behind a dependency's command, to be run by this Node. @throws Error when it has no such command */
export function dependencyProgram(name: string, command: string = name, modules: URL = ownModules): string {
  const folder = dependencyFolder(name, modules)
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    bin?: string | Record<string, string>
  }
  const file = typeof bin === 'string' ? bin : bin?.[command]
  if (file === undefined) throw new Error(`${name} has no command ${command}`)
  return path.join(folder, file)
}

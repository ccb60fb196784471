import { createRequire } from 'node:module'

/** The version of this package, recorded with every migration it runs. */
export function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
  return version
}

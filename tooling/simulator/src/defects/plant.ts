/** Plants defects in the sources of the packages while they are loaded; the files themselves stay as they are. */
import { registerHooks } from 'node:module'

/** One replacement in one source file. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string
  /** Must stand there exactly once, so that a change of the code that moves it is noticed. */
  readonly find: string
  readonly replace: string
}

const ROOT = new URL('../../../../', import.meta.url).href

/** Whatever is loaded from now on has these patches. @throws {Error} on loading a file in which an anchor is not exactly once */
export function plant(patches: readonly Patch[]): void {
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      const own = patches.filter(({ file }) => url === `${ROOT}${file}`)
      if (own.length === 0) return loaded
      if (loaded.source === undefined) throw new Error(`${url} was loaded without its source`)
      const text = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
      const source = own.reduce(patched, text)
      return { ...loaded, source }
    },
  })
}

/** @throws {Error} unless the anchor stands in the source exactly once */
export function patched(source: string, { file, find, replace }: Patch): string {
  const [before, after, ...more] = source.split(find)
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${file}: the anchor of a planted defect must stand there exactly once: ${find}`)
  }
  return `${before}${replace}${after}`
}

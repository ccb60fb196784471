// After a package was packed: its own manifest again, where `prepack.mjs` has put another in its place.
import { existsSync, renameSync } from 'node:fs'

/** Where the package's own manifest is meanwhile. */
export const KEPT = 'node_modules/.cache/iron/package.json'

export function putBack() {
  if (existsSync(KEPT)) renameSync(KEPT, 'package.json')
}

if (import.meta.main) putBack()

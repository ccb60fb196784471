// After a package was packed: its own manifest again, where `prepack.mjs` has put another in its place.
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'

/** Where the package's own manifest is meanwhile. */
export const KEPT = 'node_modules/.cache/iron/package.json'

export function putBack() {
  if (!existsSync(KEPT)) return
  // Somebody may have put it back by hand, and changed it since: what is packed has no exports of its own for the registry.
  const { publishConfig } = JSON.parse(readFileSync('package.json', 'utf8'))
  if (publishConfig.exports === undefined) renameSync(KEPT, 'package.json')
  else rmSync(KEPT)
}

if (import.meta.main) putBack()

import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top of the repository. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

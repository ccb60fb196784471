import { createRequire } from 'node:module'

const manifest = createRequire(import.meta.url)('../package.json') as { readonly version: string }

/** The version of this server. The manifest stands one folder above the sources and above the build. */
export const version = manifest.version

import { defineConfig } from 'tsup'

/**
 * The build of a published package: ESM and declarations, one file an entry point, dependencies left outside.
 * @param {import('tsup').Options} [options] entry points besides `src/index.ts`, and what else a package needs
 */
export default function definePackage(options = {}) {
  return defineConfig({
    entry: ['src/index.ts'],
    format: 'esm',
    target: 'node22',
    platform: 'node',
    dts: true,
    sourcemap: false,
    clean: true,
    splitting: true,
    treeshake: true,
    silent: true,
    ...options,
  })
}

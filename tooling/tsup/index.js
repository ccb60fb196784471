import { readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

/**
 * The build of a published package: ESM and declarations, one file an entry point, dependencies left outside.
 * @param {import('tsup').Options} [options] entry points besides `src/index.ts`, and what else a package needs
 */
export default function definePackage(options = {}) {
  return defineConfig((given) => {
    // Declarations name `Disposable`, which is in none of the finished `lib`s that a consumer may have.
    const dts = { entry: exported(), banner: '/// <reference lib="esnext.disposable" />', ...options.dts }
    // What the command line says of them (`--dts-only`) would stand in place of all this.
    if (typeof given.dts === 'object') given.dts = { ...dts, ...given.dts }
    return {
      entry: ['src/index.ts'],
      format: 'esm',
      target: 'node22',
      platform: 'node',
      sourcemap: false,
      clean: true,
      splitting: true,
      treeshake: true,
      silent: true,
      ...options,
      dts,
    }
  })
}

/** Sources of what the package exports: nobody asks for the declarations of a worker or a program. */
function exported() {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
  return Object.values(exports).flatMap((target) => target['@iron/source'] ?? [])
}

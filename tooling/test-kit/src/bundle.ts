/**
 * Bundles of the programs that tests start hundreds of times, each with what it imports of this repository, of Kysely and of TypeBox: of
 * 1.5 s of processor time until a server listens some 600 ms are spent on finding and reading a thousand modules. A bundle is made
 * anew whenever a file that went into it has changed.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { OutputFile, Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** What a process of an older bundle may still read is kept this long, in milliseconds. */
const OLD_MS = 3_600_000
/** Hundreds of small modules each. All else stays where it is: much of it finds files beside its own. */
const TAKEN_IN = /^(?:@iron|kysely|typebox)(?:\/|$)/

/** What is kept beside a bundle. */
interface Made {
  /** Folder of its files. */
  readonly name: string
  /** Each file that went into it, as it was then. */
  readonly inputs: Readonly<Record<string, string>>
}

/**
 * Where the bundle of a program is, which Node runs as it would the TypeScript file itself. Several processes may ask at once.
 *
 * @param file absolute, as is `cache`, a folder for bundles; by default in the program's own package, so that what it leaves to be
 * found at run time is found
 */
export async function bundle(file: string, cache = cacheBeside(file)): Promise<string> {
  const key = path.relative(ROOT, file).replaceAll(/[^\w]+/g, '-')
  const note = path.join(cache, `${key}.json`)
  const program = ({ name }: Made): string => path.join(cache, name, path.basename(file).replace(/ts$/, 'js'))
  const known = existsSync(note) ? (JSON.parse(readFileSync(note, 'utf8')) as Made) : undefined
  if (known !== undefined && existsSync(program(known)) && isUnchanged(known)) return program(known)
  const made = await make(file, cache, key)
  const whole = `${note}.${randomBytes(4).toString('hex')}`
  writeFileSync(whole, JSON.stringify(made))
  renameSync(whole, note)
  removeOld(cache, key, made.name)
  return program(made)
}

function cacheBeside(file: string): string {
  const [manifest] = manifestsAbove(path.relative(ROOT, file))
  return path.join(ROOT, path.dirname(manifest ?? '.'), 'node_modules', '.cache', 'iron-bundles')
}

const isUnchanged = ({ inputs }: Made): boolean =>
  Object.entries(inputs).every(([input, state]) => stateOf(input) === state)

function stateOf(input: string): string {
  const found = statSync(path.join(ROOT, input), { throwIfNoEntry: false })
  return found === undefined ? 'gone' : `${found.size} ${found.mtimeMs}`
}

async function make(file: string, cache: string, key: string): Promise<Made> {
  const startedMs = Date.now()
  const { build } = await import('esbuild')
  const { metafile, outputFiles } = await build({
    entryPoints: [file],
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['@iron/source'],
    keepNames: true,
    outdir: path.join(cache, 'out'),
    metafile: true,
    write: false,
    logLevel: 'silent',
    plugins: [asIfInPlace],
  })
  const hash = createHash('sha256')
  for (const { path: output, contents } of outputFiles) hash.update(output).update(contents)
  const name = `${key}-${hash.digest('hex').slice(0, 16)}`
  write(outputFiles, cache, name)
  // What it depends on, too: a package that is added or updated may resolve otherwise.
  const members = new Set(Object.keys(metafile.inputs).flatMap(manifestsAbove))
  const inputs = [...Object.keys(metafile.inputs), ...members, 'pnpm-lock.yaml']
  const changedMeanwhile = (input: string): boolean =>
    (statSync(path.join(ROOT, input), { throwIfNoEntry: false })?.mtimeMs ?? 0) > startedMs
  return {
    name,
    inputs: Object.fromEntries(inputs.map((input) => [input, changedMeanwhile(input) ? 'changed' : stateOf(input)])),
  }
}

/** The package.json of each folder above a file of the repository. */
function manifestsAbove(file: string): string[] {
  if (file.includes('node_modules')) return []
  const above = path.dirname(file)
  const manifest = path.join(above, 'package.json')
  return [...(existsSync(path.join(ROOT, manifest)) ? [manifest] : []), ...(above === '.' ? [] : manifestsAbove(above))]
}

/** Modules think that they are where they were, and find there what they do not import. */
const asIfInPlace: Plugin = {
  name: 'as if in place',
  setup(building) {
    building.onResolve({ filter: /^[^./#]/ }, async ({ path: specifier, kind, resolveDir, pluginData }) => {
      if (pluginData === asIfInPlace || kind === 'entry-point' || TAKEN_IN.test(specifier)) return undefined
      if (specifier.startsWith('node:')) return { path: specifier, external: true }
      const found = await building.resolve(specifier, { kind, resolveDir, pluginData: asIfInPlace })
      return { path: path.isAbsolute(found.path) ? pathToFileURL(found.path).href : specifier, external: true }
    })
    building.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      if (file.includes(`${path.sep}node_modules${path.sep}`)) return undefined
      const place: Record<string, string> = {
        url: pathToFileURL(file).href,
        filename: file,
        dirname: path.dirname(file),
      }
      const contents = readFileSync(file, 'utf8').replaceAll(
        /\bimport\.meta\.(url|filename|dirname)\b/g,
        (_, name: string) => JSON.stringify(place[name]),
      )
      return { contents, loader: 'ts' }
    })
  },
}

/** Whole or not at all. */
function write(files: readonly OutputFile[], cache: string, name: string): void {
  const place = path.join(cache, name)
  if (existsSync(place)) return
  const folder = `${place}.${randomBytes(4).toString('hex')}`
  mkdirSync(folder, { recursive: true })
  for (const { path: output, contents } of files) writeFileSync(path.join(folder, path.basename(output)), contents)
  try {
    renameSync(folder, place)
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(place)) throw error
    rmSync(folder, { recursive: true })
  }
}

function removeOld(cache: string, key: string, name: string): void {
  for (const other of readdirSync(cache)) {
    if (other === name || !other.startsWith(`${key}-`)) continue
    const folder = path.join(cache, other)
    const found = statSync(folder, { throwIfNoEntry: false })
    if (found !== undefined && Date.now() - found.mtimeMs > OLD_MS) rmSync(folder, { recursive: true, force: true })
  }
}

import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { examplesOf, runExamples } from '../../src/readme-quickstarts.ts'
import { runProgram } from '../../src/run-program.ts'
import { TemporaryFolder } from '../temporary-folder.ts'

describe('examplesOf', () => {
  const code = "import { half } from '@iron/sample'\nhalf(4)\n"
  const block = `\`\`\`ts\n${code}\`\`\`\n`

  test('takes the ts blocks that import the package or a subpath, each with those that go on where it ends', () => {
    const subpath = "import { test } from '@iron/sample/testing'\n"
    const readme = `# @iron/sample\n\n\`\`\`sh\nnpm i\n\`\`\`\n\n${block}\nMore:\n\n\`\`\`ts\nlater()\n\`\`\`\n
\`\`\`ts\n${subpath}\`\`\`\n`
    expect(examplesOf(readme, '@iron/sample')).toEqual([`${code}\nlater()\n`, subpath])
  })

  test.each(['typescript', 'js', 'javascript'])('a %s block is refused: it would not be run', (language) => {
    expect(() => examplesOf(`${block}\n\`\`\`${language}\n${code}\`\`\`\n`, '@iron/sample')).toThrow(language)
  })

  test('a README without one, or whose first does not import the package, has none', () => {
    expect(examplesOf('# @iron/sample\n', '@iron/sample')).toBeUndefined()
    expect(examplesOf(block, '@iron/other')).toBeUndefined()
    expect(examplesOf(block, '@iron/samp')).toBeUndefined()
    expect(examplesOf(`\`\`\`ts\nfirst()\n\`\`\`\n${block}`, '@iron/sample')).toBeUndefined()
  })
})

/** A package without dependencies, packed by npm: nothing is fetched. */
async function packedSample(folder: TemporaryFolder, types: string): Promise<string> {
  folder.write('sample/package.json', {
    name: '@iron/sample',
    version: '1.0.0',
    type: 'module',
    exports: { '.': { types: './index.d.ts', default: './index.js' } },
  })
  folder.write('sample/index.js', 'export const half = (amount) => amount / 2\n')
  folder.write('sample/index.d.ts', types)
  await runProgram('npm', ['pack', '--silent'], { cwd: path.join(folder.path, 'sample') })
  return path.join(folder.path, 'sample', 'iron-sample-1.0.0.tgz')
}

const types = 'export declare function half(amount: number): number\n'
const good = "import { half } from '@iron/sample'\nif (half(4) !== 2) throw new Error('not half')\n"

const RUN_FAILED = `run: example-2.ts: Node ${process.versions.node.split('.')[0] ?? ''}: exit code 1`

const refused = (code: string): string => `void (() => { throw Object.assign(new Error('no'), { code: '${code}' }) })()`

/** The first characters of a fault, as many as are expected. */
function expectFault(found: string | undefined, fault: string | undefined): void {
  expect(found === undefined || fault === undefined ? found : found.slice(0, fault.length)).toBe(fault)
}

describe('OPS-18 in a project that installed the package', () => {
  const folder = new TemporaryFolder()
  const project = path.join(folder.path, 'project')

  beforeAll(async () => {
    const tarball = await packedSample(folder, types)
    expect(await runExamples([good], [tarball], project)).toBeUndefined()
  }, 60_000)
  afterAll(() => folder[Symbol.dispose]())

  test.each([
    ['a sound quick start', good, undefined],
    ['a wrong argument', good.replace('half(4)', "half('4')"), 'type check: '],
    ['a failure when it runs', good.replace('!== 2', '!== 3'), RUN_FAILED],
    ['a line that throws as it says', `${good}${refused('REFUSED')} // throws REFUSED\n`, undefined],
    ['a line that throws something else', `${good}${refused('OTHER')} // throws REFUSED\n`, RUN_FAILED],
    ['a line that does not throw', `${good}half(2) // throws REFUSED\n`, RUN_FAILED],
    ['a package that is not installed', `import 'typescript'\n${good}`, 'type check: '],
  ])('%s', async (_, code, fault) => {
    expectFault(await runExamples([good, code], [], project), fault)
  })
})

test('OPS-18 a declaration that does not compile', async () => {
  using folder = new TemporaryFolder()
  const tarball = await packedSample(folder, `${types}export declare const odd: Missing\n`)
  expectFault(await runExamples([good], [tarball], path.join(folder.path, 'project')), 'type check: ')
})

test('OPS-18 a package that cannot be installed', async () => {
  using folder = new TemporaryFolder()
  const missing = path.join(folder.path, 'missing.tgz')
  expectFault(await runExamples([good], [missing], path.join(folder.path, 'project')), 'npm install: ')
})

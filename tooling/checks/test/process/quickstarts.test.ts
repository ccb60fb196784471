import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
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

test.each([
  ['a sound quick start', types, good, undefined],
  ['a wrong argument', types, good.replace('half(4)', "half('4')"), 'type check: '],
  ['a declaration that does not compile', `${types}export declare const odd: Missing\n`, good, 'type check: '],
  ['a failure when it runs', types, good.replace('!== 2', '!== 3'), RUN_FAILED],
  ['a line that throws as it says', types, `${good}${refused('REFUSED')} // throws REFUSED\n`, undefined],
  ['a line that throws something else', types, `${good}${refused('OTHER')} // throws REFUSED\n`, RUN_FAILED],
  ['a line that does not throw', types, `${good}half(2) // throws REFUSED\n`, RUN_FAILED],
  ['a package that is not installed', types, `import 'typescript'\n${good}`, 'type check: '],
])('OPS-18 %s', async (_, declarations, code, fault) => {
  using folder = new TemporaryFolder()
  const tarball = await packedSample(folder, declarations)
  const found = await runExamples([good, code], [tarball], path.join(folder.path, 'project'))
  expect(found === undefined || fault === undefined ? found : found.slice(0, fault.length)).toBe(fault)
})

test('OPS-18 a package that cannot be installed', async () => {
  using folder = new TemporaryFolder()
  const missing = path.join(folder.path, 'missing.tgz')
  expect(await runExamples([good], [missing], path.join(folder.path, 'project'))).toMatch(/^npm install: /)
})

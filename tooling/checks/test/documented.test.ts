import { describe, expect, test } from '@jest/globals'
import { checkErrorCodes } from '../src/error-codes.ts'
import { checkNamedExports } from '../src/named-exports.ts'
import { runProgram } from '../src/run-program.ts'
import { checkVariables } from '../src/variables.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

describe('what the documents name exists, and what exists is named', () => {
  test('error codes', async () => {
    expect(await checkErrorCodes(repository)).toEqual([])
    using folder = new TemporaryFolder()
    folder.write('packages/one/package.json', '{"name":"@iron/one"}')
    folder.write('packages/one/src/errors.ts', "export type OneErrorCode = 'TOLD_CODE' | 'UNTOLD_CODE'\n")
    folder.write(
      'packages/one/README.md',
      '# One\n`UNTOLD_CODE`\n## Errors\n`TOLD_CODE`, `OTHER_CODE`, `NO_CODE`\n## End\n',
    )
    folder.write('packages/two/package.json', '{"name":"@iron/two"}')
    folder.write('packages/two/src/errors.ts', "export type TwoErrorCode = 'OTHER_CODE'\n")
    folder.write('packages/two/README.md', '# Two\n## Errors\n`OTHER_CODE`')
    expect((await checkErrorCodes(folder.path)).map(({ where, text }) => `${where} ${text}`)).toEqual([
      'packages/one/README.md does not name UNTOLD_CODE under "Errors"',
      'packages/one/README.md names NO_CODE under "Errors", which no package has',
    ])
  })

  test('exports', async () => {
    expect(await checkNamedExports(repository)).toEqual([])
    using folder = new TemporaryFolder()
    folder.write('packages/one/package.json', '{"name":"@iron/one"}')
    folder.write(
      'packages/one/src/index.ts',
      "export { told, untold, type Shape, inner as outer } from './a.ts'\nexport type { Other } from './b.ts'\nexport * from './c.ts'\n",
    )
    folder.write('packages/one/README.md', '# One\n`told`, untoldness, `inner`\n')
    folder.write('packages/two/package.json', '{"name":"@iron/two"}')
    folder.write('packages/two/src/index.ts', "import './a.ts'\nexport { any } from './a.ts'\nexport const own = 1\n")
    expect((await checkNamedExports(folder.path)).map(({ where, text }) => `${where} ${text}`)).toEqual([
      'packages/one/README.md does not name untold',
      'packages/one/README.md does not name outer',
      'packages/one/README.md does not name *',
      'packages/two/README.md does not name any',
      'packages/two/README.md does not name *',
    ])
  })

  test('environment variables', async () => {
    expect(await checkVariables(repository)).toEqual([])
    using folder = new TemporaryFolder()
    await runProgram('git', ['init', '--quiet'], { cwd: folder.path })
    folder.write('apps/control-api/README.md', '| `IRON_ENV` | x |\n| `IRON_RATE_LIMIT_<CLASS>` | x |\n')
    folder.write('README.md', 'IRON_ENV, IRON_RATE_LIMIT_LOGIN, IRON_TEST_SIZE\n`IRON_ENVIRONMENT=x`\n')
    expect((await checkVariables(folder.path)).map(({ where, text }) => `${where} ${text}`)).toEqual([
      'README.md:2 IRON_ENVIRONMENT is no setting',
    ])
  })
})

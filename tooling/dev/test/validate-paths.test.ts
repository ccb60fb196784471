import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { ROOT } from '../src/root.ts'
import { validatePaths } from '../src/validate-paths.ts'

/** A git repository of a test's own. */
class Repository implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), 'iron-paths-'))

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.git('init', '--quiet')
    for (const [file, text] of Object.entries(files)) this.write(file, text)
  }

  write(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(this.path, file)), { recursive: true })
    writeFileSync(path.join(this.path, file), text)
  }

  git(...args: readonly string[]): void {
    execFileSync('git', [...args], { cwd: this.path, stdio: 'pipe' })
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

test('this repository is clean', async () => {
  expect(await validatePaths(ROOT)).toEqual([])
})

test.each([
  ['database-path', 'packages/a/src/open.ts', "const file = './data.db'"],
  ['database-path', 'packages/a/src/open.ts', 'const file = `/srv/iron.db`'],
  ['database-path', 'apps/a/start.sh', 'exec run ./other.db'],
  ['database-path', 'apps/a/compose.yaml', '  database: /data/live.db'],
  ['database-path', '.github/workflows/ci.yml', '  run: rm -f test.db'],
  ['database-path', 'packages/a/test/open.test.ts', "openDatabase('./iron.db')"],
  ['database-path', 'packages/a/test/open.test.ts', "openDatabase('sqlite:x.db')"],
  ['database-path', 'packages/a/README.md', 'open(`./mine.db`)'],
  ['default-url', 'apps/a/src/config.ts', "const url = 'sqlite:./data/iron.db'"],
  ['default-url', 'docs/run.md', 'DATABASE_URL=sqlite:./prod.sqlite is the default'],
  ['default-url', 'apps/a/.env', 'DATABASE_URL=sqlite:iron.db'],
  ['machine-path', 'packages/a/README.md', ['cd ', 'home', 'ann'].join('/')],
  ['machine-path', 'packages/a/src/x.ts', "const log = '/tmp/iron.log'"],
  ['machine-path', 'packages/a/src/x.ts', "const log = 'C:\\Users\\ann'"],
])('%s: %s with %s', async (rule, file, line) => {
  using repository = new Repository({ [file]: `first\n${line}\n` })
  const found = await validatePaths(repository.path)
  expect(found.map(({ rule: one, where }) => [one, where])).toContainEqual([rule, `${file}:2`])
})

test('a database file in git is found, an ignored one is not', async () => {
  using repository = new Repository({ '.gitignore': 'mine.*\n', 'iron.db': '', 'iron.db-wal': '', 'mine.db': '' })
  const found = await validatePaths(repository.path)
  expect(found.map(({ rule, where }) => [rule, where])).toEqual([
    ['database-in-git', 'iron.db'],
    ['database-in-git', 'iron.db-wal'],
  ])
})

test('what is allowed is not found', async () => {
  using repository = new Repository({
    'packages/a/README.md': "new UserService('./users.db'); openDatabase('./iron.db'); DATABASE_URL=sqlite:./iron.db.",
    'packages/a/src/open.ts': "const url = 'sqlite:./iron.db'; const memory = 'sqlite::memory:'; test.db.read(x)",
    'packages/a/test/open.test.ts': "path.join(folder, 'x.db')",
    '.gitignore': '*.sqlite\n',
  })
  expect(await validatePaths(repository.path)).toEqual([])
})

test('--staged looks at what the next commit has, not at the folder', async () => {
  using repository = new Repository({ 'docs/a.md': 'see ./wrong.db\n', 'docs/b.md': 'see ./wrong.db\n' })
  repository.git('add', 'docs/a.md')
  repository.write('docs/a.md', 'mended\n')
  const found = await validatePaths(repository.path, { staged: true })
  expect(found.map(({ where }) => where)).toEqual(['docs/a.md:1'])
})

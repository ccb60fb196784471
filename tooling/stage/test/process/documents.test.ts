import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { freePort, postgresForTests, startProcess } from '@iron/test-kit'
import { runnableBlocks, sessionOf } from '../../src/document.ts'
import { openStage, type Stage } from '../../src/stage.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const app = path.join(root, 'apps', 'control-api')
const DOCS = 'apps/control-api/docs'
/** Those with a test of their own below. */
const played = new Set<string>()

const postgres = await postgresForTests()
if (postgres === undefined) console.warn('SKIPPED: postgresql.md, there is no PostgreSQL')

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  const programs = path.join(stage.folder, 'programs')
  mkdirSync(programs)
  const program = (name: string, script: string): void => {
    writeFileSync(path.join(programs, name), `#!/bin/sh\n${script}\n`)
    chmodSync(path.join(programs, name), 0o755)
  }
  program('iron', `exec node ${path.join(app, 'src', 'main.ts')} "$@"`)
  // Readers fetch pnpm and a generator; here the commands that are run through them are at hand.
  program(
    'npx',
    `case "$*" in
"--yes pnpm@12 iron "*) shift 3; exec iron "$@";;
"--yes pnpm@12 --silent iron "*) shift 4; exec iron "$@";;
"--yes openapi-typescript "*) shift 2; exec ${path.join(app, 'node_modules', '.bin', 'openapi-typescript')} "$@";;
*) echo "npx $*: not here" >&2; exit 1;;
esac`,
  )
}, 90_000)
afterAll(async () => {
  await stage[Symbol.asyncDispose]()
})

/** Plays a page in an empty folder beside the stage, with its addresses and credentials in the place of the printed ones. */
async function play(page: string, replaced: Readonly<Record<string, string>> = {}): Promise<string> {
  played.add(page)
  let script = sessionOf(runnableBlocks(readFileSync(path.join(root, page), 'utf8')))
  const all = {
    'http://127.0.0.1:3000': stage.address,
    'ws://127.0.0.1:3000': stage.address.replace('http', 'ws'),
    'admin@localhost': stage.adminLogin.email,
    '"password":"…"': `"password":"${stage.adminLogin.password}"`,
    ...replaced,
  }
  for (const [printed, real] of Object.entries(all)) script = script.replaceAll(printed, real)
  const cwd = path.join(stage.folder, page.replaceAll('/', '-'))
  mkdirSync(cwd)
  symlinkSync(path.join(app, 'node_modules'), path.join(cwd, 'node_modules'))
  writeFileSync(path.join(cwd, 'session.sh'), script)
  await using shell = await startProcess('bash', ['session.sh'], {
    cwd,
    env: {
      ...stage.settings,
      PATH: `${path.join(stage.folder, 'programs')}:${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      NODE_OPTIONS: '--conditions=@iron/source --disable-warning=ExperimentalWarning',
    },
  })
  const { code } = await shell.exited
  if (code !== 0 || /"code": ?"[A-Z_]+"/.test(shell.stdout)) {
    throw new Error(`${page}: exit code ${code}\n${shell.stdout}\n${shell.stderr}`)
  }
  return shell.stdout
}

describe('every command and program of a page works as printed', () => {
  test('protect-express.md', async () => {
    const printed = await play(`${DOCS}/protect-express.md`, { '4000': String(await freePort()) })
    expect(printed).toMatch(/^401\n\{"asked_by":"/m)
  }, 60_000)

  test('budget-from-node.md', async () => {
    expect(await play(`${DOCS}/budget-from-node.md`)).toMatch(/status: 'closed'/)
  }, 60_000)

  test('budget-from-python.md', async () => {
    expect(await play(`${DOCS}/budget-from-python.md`)).toMatch(/^spent 0\.0061 of 10/m)
  }, 60_000)

  // Before the next one, whose reader seals the provider keys with a master key that the stage's server does not have.
  test("the control API's README.md", async () => {
    const printed = await play('apps/control-api/README.md', { 'ic_…': stage.icToken })
    expect(printed).toMatch(/^lease lease_\S+ of 1$/m)
  }, 60_000)

  test('rotate-keys.md', async () => {
    expect(await play(`${DOCS}/rotate-keys.md`)).toContain('"retired_key_id":"key_')
  }, 60_000)

  test('read-the-ledger.md', async () => {
    expect(await play(`${DOCS}/read-the-ledger.md`)).toMatch(/"reserved_usd":7,/)
  }, 60_000)

  test('live-events.md', async () => {
    await play(`${DOCS}/live-events.md`)
  }, 60_000)

  const onPostgres = postgres === undefined ? test.skip : test
  onPostgres(
    'postgresql.md',
    async () => {
      if (postgres === undefined) return
      const name = `iron_page_${randomBytes(6).toString('hex')}`
      const psql = (sql: string) => startProcess('psql', [postgres.url, '-qc', sql]).then(({ exited }) => exited)
      expect((await psql(`CREATE DATABASE ${name}`)).code).toBe(0)
      try {
        const url = new URL(postgres.url)
        url.pathname = `/${name}`
        const replaced = {
          'postgres://iron:change-me@db.internal:5432/iron': url.href,
          '3005': String(await freePort()),
        }
        expect(await play(`${DOCS}/postgresql.md`, replaced)).toContain('"status":"ready"')
      } finally {
        await psql(`DROP DATABASE ${name} WITH (FORCE)`)
      }
    },
    60_000,
  )

  // The last, because its reader resets the admin's password in the end.
  test('README.md', async () => {
    expect(await play('README.md')).toContain('"spent_usd":4.5,')
  }, 60_000)

  test('no page is left out', () => {
    const unplayed = readdirSync(path.join(root, DOCS))
      .filter((file) => file.endsWith('.md') && !played.has(`${DOCS}/${file}`))
      .filter((file) => file !== 'postgresql.md' || postgres !== undefined)
      .filter((file) => {
        const blocks = runnableBlocks(readFileSync(path.join(root, DOCS, file), 'utf8'))
        return blocks.some(({ notRun }) => notRun === undefined)
      })
    expect(unplayed).toEqual([])
  })
})

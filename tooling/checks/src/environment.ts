/**
 * turbo hides the environment from tasks unless turbo.json passes it on (rulings R3). If `IRON_REQUIRE_SERVICES` did not
 * reach a test, suites would skip PostgreSQL in CI and look green: so a task is run under our turbo.json and asked.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runTurbo } from './boundaries.ts'
import type { Check, Finding } from './finding.ts'
import { onOneLine } from './run-program.ts'

const PASSED_ON = {
  IRON_REQUIRE_SERVICES: '1',
  IRON_TEST_POSTGRES_URL: 'postgres://one',
  IRON_TEST_REDIS_URL: 'redis://one',
  DATABASE_URL: 'sqlite:./one.db',
  REDIS_URL: 'redis://two',
  CI: 'true',
}

export const checkEnvironment: Check = async (root) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-environment-'))
  try {
    cpSync(path.join(root, 'turbo.json'), path.join(folder, 'turbo.json'))
    const write = (file: string, content: unknown): void =>
      writeFileSync(path.join(folder, file), JSON.stringify(content))
    write('package.json', { name: 'asked', private: true, packageManager: 'pnpm@12.0.0' })
    writeFileSync(path.join(folder, 'pnpm-workspace.yaml'), 'packages: [member]\npmOnFail: ignore\n')
    writeFileSync(path.join(folder, 'pnpm-lock.yaml'), "lockfileVersion: '9.0'\n")
    mkdirSync(path.join(folder, 'member'))
    write('member/package.json', { name: '@iron/member', version: '0.0.0', scripts: { test: 'node ask.mjs' } })
    const names = JSON.stringify(Object.keys(PASSED_ON))
    writeFileSync(
      path.join(folder, 'member', 'ask.mjs'),
      `for (const name of ${names}) console.log('ASKED ' + name + '=' + process.env[name])`,
    )
    const turbo = await runTurbo(folder, ['run', 'test', '--output-logs=full', '--no-color'], PASSED_ON)
    const finding = (where: string, text: string): Finding => ({ rule: 'environment', where, text })
    if (turbo.code !== 0) return [finding('turbo run test', onOneLine(turbo))]
    return Object.entries(PASSED_ON)
      .filter(([name, value]) => !turbo.stdout.includes(`ASKED ${name}=${value}`))
      .map(([name]) => finding('turbo.json', `${name} does not reach a test`))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

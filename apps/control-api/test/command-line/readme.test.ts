/** No command, argument or option without a line in the README, and none there that does not exist. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { expect, test } from '@jest/globals'
import { createProgram } from '../../src/command-line/program.ts'

/** Of every command that talks to a server; the README tells them once for all. */
const OF_SERVERS = ['--url', '--token']

interface Documented {
  readonly name: string
  readonly options: readonly string[]
}

/** Every command that does something, with its arguments. */
function commandsOf(command: Command, path: readonly string[]): Documented[] {
  return command.commands.flatMap((child) => {
    const args = child.registeredArguments.map((argument) => `<${argument.name()}>`)
    const name = [...path, child.name()]
    if (child.commands.length > 0) return commandsOf(child, name)
    const options = child.options.map(({ long }) => long ?? '').filter((long) => !isOfServers(child, long))
    return [{ name: [...name, ...args].join(' '), options }]
  })
}

function isOfServers(command: Command, long: string): boolean {
  return OF_SERVERS.includes(long) && command.options.some((option) => option.long === '--token')
}

test('the table of commands is complete', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const table = readme.slice(readme.indexOf('## Commands'), readme.indexOf('## Backup'))
  const rows = [...table.matchAll(/^\| `(iron [^`]+)` +\| (.*) \|$/gm)].map(([, name = '', text = '']) => ({
    name,
    text,
  }))
  const commands = commandsOf(createProgram(), ['iron'])
  expect(rows.map(({ name }) => name).sort()).toEqual(commands.map(({ name }) => name).sort())
  for (const { name, options } of commands) {
    const text = rows.find((row) => row.name === name)?.text ?? ''
    const isTold = (option: string): boolean => text.includes(`\`${option}`)
    expect({ name, untold: options.filter((option) => !isTold(option)) }).toEqual({ name, untold: [] })
  }
})

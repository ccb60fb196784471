import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { END_OF_BUDGET, playEndOfBudget, playOutage, type Stage } from '@iron/stage'

const cwd = fileURLToPath(new URL('../..', import.meta.url))
const program = ['-u', 'agent.py']
const python = (...args: string[]) => spawnSync('python3', args, { encoding: 'utf8' })
const hasPython = python('--version').status === 0
const hasCryptography = python('-c', 'import cryptography').status === 0
const isRequired = process.env['IRON_REQUIRE_SERVICES'] === '1'
if (!hasPython) console.warn('SKIPPED: there is no python3, so the Python agent was not run')
else if (!hasCryptography) console.warn("SKIPPED: Python's cryptography is not installed, so open_ip_token was not run")

const maybe = hasPython || isRequired ? test : test.skip
maybe(
  'the agent works through an outage, and every call is booked once; Python opens an IP token',
  async () => {
    const outcome = await playOutage('python3', program, {
      cwd,
      afterwards: async (stage) => {
        expect(await playEndOfBudget(stage, 'python3', program, cwd)).toEqual(END_OF_BUDGET)
        await opensItsKey(stage)
      },
    })
    expect(outcome).toMatchObject({ code: 0, billed: { calls: 14 }, ledger: { reserved_usd: 0 } })
    expect(outcome.ledger.spent_usd).toBe(outcome.billed.usd)
    expect(outcome.output).toMatch(/^done {2}0 to report$/m)
  },
  120_000,
)

async function opensItsKey(stage: Stage): Promise<void> {
  if (!hasCryptography) return
  const [, snippet = ''] = /^```py\n([^]*?)^```/m.exec(readFileSync(`${cwd}/README.md`, 'utf8')) ?? []
  await stage.admin('PUT', `/agents/${stage.agentId}/budget`, { allocated_usd: 1 })
  const headers = { 'Content-Type': 'application/json', 'X-IC-Token': stage.icToken }
  const answer = await fetch(`${stage.address}/api/v1/budget/handshake`, { method: 'POST', headers, body: '{}' })
  const ending = 'import json, sys\nprint(open_ip_token(sys.argv[1], json.loads(sys.argv[2])))'
  const opened = python('-c', `${snippet}\n${ending}`, stage.icToken, await answer.text())
  expect([opened.stdout.trim(), opened.stderr]).toEqual([stage.llm.apiKey, ''])
}

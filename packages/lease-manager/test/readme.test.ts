import { expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as leaseManager from '../src/index.ts'

const { AgentBudgetManager, LeaseManager } = leaseManager

test('the quick start runs, and its services share one file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-readme-'))
  const file = path.join(folder, 'budgets.db')
  try {
    await using budgets = new AgentBudgetManager(file)
    await using leases = new LeaseManager(file)
    await budgets.create('agent-7', usd(100))
    const { lease } = await leases.open('agent-7', usd(10))
    const { cost } = await leases.report(lease.id, {
      requestId: 'call-1',
      model: 'gpt-4o',
      usage: { input: 1_200, output: 310 },
    })
    const { returned, budget } = await leases.returnLease(lease.id)
    expect([returned + cost, budget.available + cost]).toEqual([usd(10), usd(100)])
    expect(cost).toBeGreaterThan(0)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('every code of the type stands in the README', async () => {
  const readme = await readFile(path.join(import.meta.dirname, '../README.md'), 'utf8')
  const source = await readFile(path.join(import.meta.dirname, '../src/errors.ts'), 'utf8')
  const codes = [...source.matchAll(/\| '([A-Z_]+)'/g)].map(([, code]) => code!)
  expect(codes).toHaveLength(20)
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([])
})

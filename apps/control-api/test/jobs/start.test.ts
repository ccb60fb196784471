import { DatabaseSync } from 'node:sqlite'
import { expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { createTestPlace } from '@iron/database/testing'
import { startApi } from '../support/api.ts'

const ADMIN = 'user_admin'
const LATER_MS = 7_200_000

test('a server whose overdue leases cannot all be ended starts, ends the others, and is not ready until the books are mended', async () => {
  const place = await createTestPlace('sqlite')
  try {
    {
      await using api = await startApi({ databaseUrl: place.url })
      const { budgets, leases } = await api.state.services()
      for (const agent of ['damaged', 'sound']) {
        await budgets.create(agent, usd(100), { ownerId: 'owner', actor: ADMIN })
        await leases.open(agent, usd(10))
      }
    }
    using file = new DatabaseSync(place.url)
    file.exec("UPDATE agent_budgets SET reserved_micros = 1 WHERE agent_id = 'damaged'")
    const clock = { now: () => Date.now() + LATER_MS }
    await using api = await startApi({ databaseUrl: place.url }, { clock })
    const open = file.prepare("SELECT agent_id FROM leases WHERE status = 'active'").all()
    expect(open).toEqual([{ agent_id: 'damaged' }])
    const { ledger, readiness } = await api.state.services()
    const checked = async () => (await readiness.check()).ledger
    await until(async () => (await checked()) === 'failed')
    expect(await ledger.rebuild('damaged', ADMIN)).toMatchObject({ reserved: usd(10) })
    expect((await ledger.verify({ quick: true })).length).toBe(0)
  } finally {
    await place.remove()
  }
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** DAT-24: whatever text a request holds, it is a value to the database and never a part of a statement. */
import { expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { routes } from '../../src/routes/index.ts'
import { missingId, startOperators } from '../support/operators.ts'

/** Texts that end a literal, an identifier, a statement or a comment of either engine, or are wild to LIKE. */
const ATTACKS = [
  "' OR '1'='1",
  '"; DROP TABLE users; --',
  "x'); DELETE FROM agents; /*",
  '$1',
  '?1',
  ':a',
  '\\',
  '%',
  '_',
  "E'\\'",
]

/** Tells of days without calls as well. */
const EVERY_DAY = '/analytics/timeseries'

test.each(await enginesForTests())(
  'DAT-24 no text of a query finds, changes or breaks anything on %s',
  async (dialect) => {
    await using ops = await startOperators(dialect)
    const { client, admin } = ops
    const agent = await ops.newAgent(admin, { name: 'plain', tags: ['plain'], allocated_usd: 1 })
    await ops.newProvider()
    const counts = async (): Promise<unknown[]> =>
      Promise.all(
        ['/users', '/agents', '/providers', '/budgets'].map(
          async (path) => (await client.get(path, admin.session)).body.pagination as unknown,
        ),
      )
    const before = await counts()
    let asked = 0
    for (const route of routes.filter(({ method, query }) => method === 'GET' && query !== undefined)) {
      const path = route.path.replace('/agents/{id}', agent.path).replace(/\{(\w+)\}/g, () => missingId('agent'))
      const parameters = Object.keys((route.query as { properties: object }).properties)
      for (const parameter of parameters) {
        for (const attack of ATTACKS) {
          const answer = await client.get(`${path}?${parameter}=${encodeURIComponent(attack)}`, admin.session)
          asked += 1
          const { data } = answer.body as { data?: unknown[] }
          const isList = answer.status === 200 && Array.isArray(data) && path !== EVERY_DAY
          const found = isList ? data.length : 0
          const isFault = [400, 404].includes(answer.status)
          expect([path, parameter, attack, isFault || answer.status === 200, found]).toEqual([
            path,
            parameter,
            attack,
            true,
            0,
          ])
        }
      }
    }
    expect(asked).toBeGreaterThan(1_000)
    expect(await counts()).toEqual(before)
  },
  60_000,
)

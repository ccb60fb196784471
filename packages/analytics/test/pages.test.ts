import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { call, openWorld, PLACES, type World } from './world.ts'

/** Five models and calls without one; m1 and m2 cost the same, as do m4 and what has no model. */
async function seed({ requests }: World): Promise<void> {
  const rows: [string | undefined, number, number, number][] = [
    ['m1', 50, 3, 10],
    ['m2', 50, 1, 90],
    ['m3', 70, 2, 20],
    ['m4', 10, 1, 20],
    [undefined, 10, 1, 20],
  ]
  for (const [model, cost, count, tokens] of rows) {
    for (let n = 0; n < count; n += 1) {
      await requests.record(call({ model, cost: n === 0 ? cost : 0, usage: { input: n === 0 ? tokens : 0 } }))
    }
  }
}

describe.each(PLACES)('pages on $dialect $storage', (place) => {
  let raw: World
  let rolled: World

  beforeAll(async () => {
    raw = await openWorld(place)
    rolled = await openWorld(place)
    await seed(raw)
    await seed(rolled)
    await rolled.rollUp()
  })
  afterAll(async () => {
    await raw[Symbol.asyncDispose]()
    await rolled[Symbol.asyncDispose]()
  })

  test.each<[string | undefined, (string | null)[]]>([
    [undefined, ['m3', 'm1', 'm2', 'm4', null]],
    ['-cost', ['m3', 'm1', 'm2', 'm4', null]],
    ['cost', ['m4', null, 'm1', 'm2', 'm3']],
    ['requests', ['m2', 'm4', null, 'm3', 'm1']],
    ['-requests', ['m1', 'm3', 'm2', 'm4', null]],
    ['totalTokens', ['m1', 'm3', 'm4', null, 'm2']],
    ['-totalTokens', ['m2', 'm3', 'm4', null, 'm1']],
    ['key', ['m1', 'm2', 'm3', 'm4', null]],
    ['-key', ['m4', 'm3', 'm2', 'm1', null]],
  ])('sort %p: ties by key, what has none last', async (sort, expected) => {
    const { data } = await raw.analytics.by('model', 'today', {}, { sort })
    expect(data.map((row) => row.key)).toEqual(expected)
    const pages = await Promise.all(
      [1, 2, 3].map((page) => rolled.analytics.by('model', 'today', {}, { sort, page, perPage: 2 })),
    )
    expect(pages.flatMap((page) => page.data.map((row) => row.key))).toEqual(expected)
    for (const page of pages)
      expect(page).toMatchObject({ perPage: 2, total: 5, totals: { groups: 5, cost: 190, requests: 8 } })
  })

  test('VAL-10 a page past the end is empty and has true totals', async () => {
    for (const page of [4, 1_000_000, Number.MAX_SAFE_INTEGER]) {
      expect(await raw.analytics.by('model', 'today', {}, { page, perPage: 2 })).toMatchObject({
        data: [],
        page,
        total: 5,
        totals: { groups: 5, cost: 190 },
      })
    }
  })

  test('days are in order of time unless asked otherwise', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    for (const cost of [5, 9, 1]) {
      await requests.record(call({ cost }))
      clock.advance(24 * 3_600_000)
    }
    const days = async (sort?: string) =>
      (await analytics.by('day', 'all-time', {}, { sort })).data.map((row) => row.key?.slice(-2))
    expect(await days()).toEqual(['15', '16', '17'])
    expect(await days('-key')).toEqual(['17', '16', '15'])
    expect(await days('-cost')).toEqual(['16', '15', '17'])
  })

  test('CON-26 keys sort by their bytes on both engines, whatever the language of the server', async () => {
    await using world = await openWorld(place)
    const models = ['Z', 'a', 'B', 'é', 'e\u0301', 'ｚ', '𝄞', '_', '~', 'z z', 'zz', '10', '9']
    for (const model of models) await world.requests.record(call({ model, provider: model }))
    const bytes = [...models].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const dimension of ['model', 'provider'] as const) {
      const { data } = await world.analytics.by(dimension, 'today')
      expect(data.map((row) => row.key)).toEqual(bytes)
    }
  })

  test.each([
    { page: 0 },
    { page: -1 },
    { page: 1.5 },
    { perPage: 0 },
    { perPage: 101 },
    { sort: 'label' },
    { sort: '--cost' },
    { sort: '' },
  ])('VAL-10 VAL-11 %p is refused', async (page) => {
    const fields = { [Object.keys(page)[0]!]: expect.any(String) }
    await expect(raw.analytics.by('agent', 'today', {}, page)).rejects.toMatchObject({
      name: 'AnalyticsError',
      code: 'VALIDATION_ERROR',
      details: { fields },
    })
  })
})

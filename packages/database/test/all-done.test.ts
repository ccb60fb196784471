import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { allDone } from '../src/index.ts'

test('nothing is on its way any more when it ends, and it fails with what failed first', async () => {
  const ended: string[] = []
  const work = async (name: string, ms: number, fails: boolean): Promise<void> => {
    await sleep(ms)
    ended.push(name)
    if (fails) throw new Error(name)
  }
  await expect(allDone([work('last', 30, true), work('first', 1, true), work('between', 15, false)])).rejects.toThrow(
    'first',
  )
  expect(ended).toEqual(['first', 'between', 'last'])
})

test('without a failure it just ends', async () => {
  await expect(allDone([])).resolves.toBeUndefined()
  await expect(allDone([Promise.resolve(1)])).resolves.toBeUndefined()
})

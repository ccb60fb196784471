import { expect, test } from '@jest/globals'
import { inTime, remembered } from '../../src/observability/remembered.ts'

test('one reading at a time, shared, and remembered', async () => {
  const gate = Promise.withResolvers<undefined>()
  let readings = 0
  const read = remembered(60_000, async () => {
    readings += 1
    await gate.promise
    return readings
  })
  const asked = Array.from({ length: 50 }, () => read())
  gate.resolve(undefined)
  expect(new Set(await Promise.all(asked))).toEqual(new Set([1]))
  expect(await read()).toBe(1)
})

test('what is too old is read again', async () => {
  let readings = 0
  const read = remembered(0, async () => (readings += 1))
  expect([await read(), await read()]).toEqual([1, 2])
})

test('a failure is not remembered', async () => {
  let readings = 0
  const read = remembered(60_000, async () => {
    readings += 1
    if (readings === 1) throw new Error('first')
    return readings
  })
  await expect(read()).rejects.toThrow('first')
  expect(await read()).toBe(2)
})

test('what hangs is given up', async () => {
  await expect(inTime(1, new Promise(() => undefined))).rejects.toThrow('within 1 ms')
  expect(await inTime(60_000, Promise.resolve('soon'))).toBe('soon')
})

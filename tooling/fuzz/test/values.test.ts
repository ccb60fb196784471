import { expect, test } from '@jest/globals'
import { chanceOf } from '../src/chance.ts'
import { spoiled } from '../src/values.ts'

test('lists that are repeated within repeated lists stay small enough to be written', () => {
  const chance = { ...chanceOf(1, 1), happens: (odds: number) => odds === 0.2 }
  let value: unknown = ['x']
  for (let depth = 0; depth < 4; depth += 1) value = [spoiled({ chance }, value)]
  const { length } = JSON.stringify(value)
  expect(length).toBeGreaterThan(3_000_000)
  expect(length).toBeLessThan(10_000_000)
})

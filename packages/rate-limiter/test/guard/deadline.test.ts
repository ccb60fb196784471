import { jest, expect, test } from '@jest/globals'
import { withDeadline } from '../../src/guard/deadline.ts'

test.each([
  ['an answer', () => Promise.resolve(1)],
  ['a rejection', () => Promise.reject(new Error('no'))],
  [
    'an error',
    () => {
      throw new Error('no')
    },
  ],
])('%s leaves no timer behind', async (_, work) => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] })
  try {
    const settled = withDeadline<number>(work, 250).catch(() => 0)
    await settled
    expect(jest.getTimerCount()).toBe(0)
  } finally {
    jest.useRealTimers()
  }
})

import { expect, test } from '@jest/globals'
import { attemptOf, bytesOf } from '../src/attempt.ts'
import { Caller } from '../src/caller.ts'
import { chanceOf } from '../src/chance.ts'
import { readSurface } from '../src/operations.ts'
import { World } from '../src/world.ts'

const document = JSON.stringify({
  paths: {
    '/agents/{id}': {
      get: { responses: { 200: {} }, security: [{ session: ['agents:read'] }] },
      patch: {
        responses: { 200: {} },
        security: [{ session: ['agents:write'] }],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Change' } } } },
      },
    },
  },
  components: {
    schemas: {
      Change: { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 10 } } },
    },
  },
})

test('a seed and a number decide a request, whatever came before', () => {
  const surface = readSurface(document)
  const world = new World(new Caller(0))
  const bytes = (seed: number, index: number): string => bytesOf(attemptOf(surface, world, chanceOf(seed, index)))
  const forwards = Array.from({ length: 300 }, (_, index) => bytes(1, index))
  const backwards = Array.from({ length: 300 }, (_, index) => bytes(1, 299 - index)).reverse()
  expect(backwards).toEqual(forwards)
  expect(new Set(forwards).size).toBeGreaterThan(200)
  expect(bytes(2, 0)).not.toBe(bytes(1, 0))
  for (const text of forwards) expect(text).not.toMatch(/[^\0-\xff]/)
})

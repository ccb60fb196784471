import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { cursorPage, cursorWindow, encodeCursor, pageSlice, pageWindow } from '../src/index.ts'

const sorts = { createdAt: 'created_at', name: 'name' } as const

describe('pages', () => {
  test('defaults and offsets', () => {
    expect(pageWindow({}, sorts)).toEqual({ page: 1, perPage: 50, offset: 0, column: 'created_at', direction: 'desc' })
    expect(pageWindow({ page: 3, perPage: 10, sort: 'name' }, sorts)).toMatchObject({
      offset: 20,
      column: 'name',
      direction: 'asc',
    })
  })

  test.each([
    [{ page: 0 }, 'page'],
    [{ page: 1.5 }, 'page'],
    [{ perPage: 101 }, 'perPage'],
    [{ perPage: -1 }, 'perPage'],
    [{ sort: 'password' }, 'sort'],
    [{ sort: '__proto__' }, 'sort'],
    [{ sort: '-constructor' }, 'sort'],
    [{ sort: 'name; drop table users' }, 'sort'],
  ])('VAL-10 VAL-11 %j is refused', (page, field) => {
    expect(() => pageWindow(page, sorts)).toThrow(
      expect.objectContaining({ code: 'VALIDATION_ERROR', details: { fields: { [field]: expect.any(String) } } }),
    )
  })

  test('VAL-02 all faults at once', () => {
    expect(() => pageWindow({ page: 0, perPage: 0, sort: 'x' }, sorts)).toThrow(
      expect.objectContaining({
        details: { fields: { page: expect.any(String), perPage: expect.any(String), sort: expect.any(String) } },
      }),
    )
  })
})

describe('cursors', () => {
  test('round trip, and the extra row only tells that there is more', () => {
    const rows = [{ seq: 3 }, { seq: 2 }, { seq: 1 }]
    const page = cursorPage(
      rows,
      2,
      (row) => row.seq,
      (row) => [row.seq],
    )
    expect(page.data).toEqual([3, 2])
    expect(cursorWindow({ after: page.nextCursor! }, ['number'])).toEqual({ after: [2], limit: 100, order: 'desc' })
    expect(
      cursorPage(
        rows,
        3,
        (row) => row.seq,
        (row) => [row.seq],
      ).nextCursor,
    ).toBeNull()
  })

  test.each(['', 'x', 'WzFd ', '!', encodeCursor('1'), encodeCursor(1, 2), Buffer.from('[1 ]').toString('base64url')])(
    'DAT-20 %j is not one of ours',
    (after) => {
      expect(() => cursorWindow({ after }, ['number'])).toThrow(expect.objectContaining({ code: 'INVALID_CURSOR' }))
    },
  )

  test('a position before every row of its time has no id', () => {
    const after = encodeCursor(1, '')
    expect(cursorWindow({ after }, ['number', 'string'])).toMatchObject({ after: [1, ''] })
  })

  test.each([
    ['a fraction', 1.5, 'req_1'],
    ['below zero', -1, 'req_1'],
    ['above 2^53', 1e20, 'req_1'],
    ['NUL', 1, 'req_\0'],
    ['half a character', 1, 'req_\ud800'],
    ['longer than an id', 1, 'r'.repeat(256)],
  ])('DAT-20 a forged position never reaches the engine: %s', (_what, at, id) => {
    const after = encodeCursor(at, id)
    expect(() => cursorWindow({ after }, ['number', 'string'])).toThrow(
      expect.objectContaining({ code: 'INVALID_CURSOR' }),
    )
  })
})

describe('slices', () => {
  test('a page of the second half is counted from the end', () => {
    const window = (page: number) => pageWindow({ page, perPage: 10, sort: 'name' }, sorts)
    expect(pageSlice(window(1), 35)).toEqual({ limit: 10, offset: 0, direction: 'asc' })
    expect(pageSlice(window(2), 35)).toEqual({ limit: 10, offset: 10, direction: 'asc' })
    expect(pageSlice(window(3), 35)).toEqual({ limit: 10, offset: 5, direction: 'desc' })
    expect(pageSlice(window(4), 35)).toEqual({ limit: 5, offset: 0, direction: 'desc' })
  })

  test('VAL-10 every page holds what it would hold if all rows before it were left out, and nothing past the end', () => {
    const pages = {
      total: fc.nat({ max: 60 }),
      page: fc.integer({ min: 1, max: 70 }),
      perPage: fc.integer({ min: 1, max: 20 }),
    }
    fc.assert(
      fc.property(fc.record(pages), fc.boolean(), ({ total, page, perPage }, descending) => {
        const window = pageWindow({ page, perPage, sort: descending ? '-name' : 'name' }, sorts)
        const ordered = Array.from({ length: total }, (_, index) => (descending ? total - 1 - index : index))
        const { limit, offset, direction } = pageSlice(window, total)
        const counted = direction === window.direction ? ordered : ordered.toReversed()
        const slice = counted.slice(offset, offset + limit)
        const expected = ordered.slice((page - 1) * perPage, page * perPage)
        expect(direction === window.direction ? slice : slice.toReversed()).toEqual(expected)
        if (limit > 0) expect(offset).toBeLessThanOrEqual(total / 2)
      }),
    )
  })
})

import { expect, test } from '@jest/globals'
import { acknowledgementsIn } from '../../src/power/trace.ts'

const WAL = '/folder/iron.db-wal'
const write = (offset: number, bytes = 4_120): string =>
  `7 pwrite64(20<${WAL}>, "\\0"..., ${bytes}, ${offset}) = ${bytes}`
const sync = `7 fdatasync(20<${WAL}>) = 0`
const answer = '7 write(31<socket:[99]>, "HTTP/1.1 200 OK\\r"..., 900) = 900'

test('an acknowledgement after the sync is covered', () => {
  expect(acknowledgementsIn([write(32), write(4_152), sync, answer].join('\n'), WAL)).toEqual([
    { syncedBytes: 8_272, unsyncedBytes: 0, writes: 2, syncs: 1 },
  ])
})

test.each([
  ['before it', [write(32), answer, sync]],
  [
    'while it runs',
    [write(32), `7 fdatasync(20<${WAL}> <unfinished ...>`, answer.replace('7', '8'), '7 <... fdatasync resumed>) = 0'],
  ],
  ['after one that failed', [write(32), `7 fdatasync(20<${WAL}>) = -1 EIO (Input/output error)`, answer]],
  ['after one of another file', [write(32), '7 fdatasync(21</folder/iron.db>) = 0', answer]],
  ['that begins before it and ends after it', [write(32), answer.replace(', 900) = 900', ' <unfinished ...>'), sync]],
])('an acknowledgement %s is not', (_, lines) => {
  expect(acknowledgementsIn(lines.join('\n'), WAL)).toMatchObject([{ unsyncedBytes: 4_120 }])
})

test('one without a write of its own is seen', () => {
  expect(acknowledgementsIn([write(32), sync, answer, answer].join('\n'), WAL)[1]).toMatchObject({
    writes: 0,
    syncs: 0,
  })
})

test('a sync that another thread interrupts counts once it has returned', () => {
  const lines = [
    write(32),
    `7 fdatasync(20<${WAL}> <unfinished ...>`,
    '8 write(5<pipe:[1]>, "x", 1) = 1',
    '7 <... fdatasync resumed>) = 0',
    answer,
  ]
  expect(acknowledgementsIn(lines.join('\n'), WAL)).toEqual([
    { syncedBytes: 4_152, unsyncedBytes: 0, writes: 1, syncs: 1 },
  ])
})

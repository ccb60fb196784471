/**
 * `pnpm crash power`: what a power cut leaves is what was forced to disk. Traces the system calls of a server on SQLite: no
 * acknowledgement may leave it while bytes of the journal are not on disk. Then cuts the journal off after every frame and requires
 * that each image opens, is sound, and holds every report that was acknowledged when that much was on disk.
 */
import { execFileSync } from 'node:child_process'
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { hold } from '@iron/cluster'
import { startProcess } from '@iron/test-kit'
import { Case } from '../disk/case.ts'
import type { Setting } from '../setting.ts'
import { type Acknowledgement, acknowledgementsIn, TRACED_CALLS } from './trace.ts'

/** Reports one after the other, each with a commit of its own; then as many at once, which share commits. */
const REPORTS: Readonly<Record<Setting['size'], number>> = { short: 20, full: 200 }
const HEADER_BYTES = 32
const FRAME_BYTES = 4_096 + 24

export async function cutPower(setting: Setting): Promise<void> {
  if (!canTrace()) {
    setting.say('SKIPPED: strace is not installed, or nothing may be traced here')
    return
  }
  const count = REPORTS[setting.size]
  await using it = await Case.begin(setting)
  const traceFile = `${it.file}.trace`
  const tracer = await startProcess('strace', [...OPTIONS, '-o', traceFile, '-p', String(it.process.pid)], {
    ready: /attached/,
    readyStream: 'stderr',
  })
  await it.reports(count)
  await Promise.all(Array.from({ length: count }, () => it.reports(1)))
  await it.end('SIGKILL')
  await tracer.exited

  const acknowledgements = acknowledgementsIn(await readFile(traceFile, 'utf8'), `${it.file}-wal`)
  hold(acknowledgements.length === 2 * count, `${acknowledgements.length} of ${2 * count} answers were traced`)
  const early = acknowledgements.filter(({ unsyncedBytes }) => unsyncedBytes > 0)
  hold(early.length === 0, `${early.length} answers left while the journal was not on disk`)
  const alone = acknowledgements.slice(0, count)
  const uncovered = alone.filter(({ writes, syncs }) => writes === 0 || syncs === 0)
  hold(uncovered.length === 0, `${uncovered.length} answers left without a commit of their own`)
  const syncs = acknowledgements.reduce((sum, each) => sum + each.syncs, 0)
  setting.say(
    `${2 * count} acknowledged reports, ${syncs} × fdatasync of the journal: none left before its bytes were on disk`,
  )
  setting.say(await cutAfterEveryFrame(it.file, alone))
  await it.start()
  await it.requireWhole()
}

const OPTIONS = ['-f', '-y', '-s', '16', '-e', `trace=${TRACED_CALLS}`]

function canTrace(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function cutAfterEveryFrame(file: string, acknowledgements: readonly Acknowledgement[]): Promise<string> {
  const journal = await readFile(`${file}-wal`)
  const [first] = acknowledgements
  const last = acknowledgements.at(-1)
  if (first === undefined || last === undefined) throw new Error('nothing was acknowledged')
  const image = `${file}.image.db`
  let images = 0
  for (let length = first.syncedBytes; length <= last.syncedBytes; length += FRAME_BYTES) {
    hold((length - HEADER_BYTES) % FRAME_BYTES === 0, `the journal ends within a frame: ${length} bytes`)
    await copyFile(file, image)
    await writeFile(`${image}-wal`, journal.subarray(0, length))
    const acknowledged = acknowledgements.filter(({ syncedBytes }) => syncedBytes <= length).length
    requireReports(image, acknowledged)
    images += 1
  }
  for (const suffix of ['', '-wal', '-shm']) await rm(`${image}${suffix}`, { force: true })
  return `journal cut off after each of ${images} frames: every image opens, has all that was acknowledged by then, and no half commit`
}

/** @throws {Violation} unless a database holds so many reports or one more, each with its booking */
function requireReports(image: string, acknowledged: number): void {
  using database = new DatabaseSync(image)
  const number = (sql: string): number => Number(Object.values(database.prepare(sql).get() ?? {})[0])
  const check = database.prepare('PRAGMA integrity_check').get()?.['integrity_check']
  hold(check === 'ok', `integrity_check: ${String(check)}`)
  const requests = number('SELECT count(*) FROM requests')
  const booked = number("SELECT count(*) FROM ledger_entries WHERE type = 'spend'")
  const events = number("SELECT count(*) FROM events WHERE type = 'request.completed'")
  const spent = number('SELECT sum(spent_micros) FROM agent_budgets')
  hold(requests >= acknowledged && requests <= acknowledged + 1, `${requests} reports of ${acknowledged} acknowledged`)
  hold(
    booked === requests && events === requests && spent === requests,
    `half a commit: ${requests} requests, ${booked} bookings, ${events} events, ${spent} µ$`,
  )
}

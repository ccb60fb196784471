/** What a disk, and whoever has access to it, may do to a SQLite file: each says what the server did about it. */
import { appendFile, chmod, copyFile, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { hold, until } from '@iron/cluster'
import type { Setting } from '../setting.ts'
import { Case } from './case.ts'
import { nobody, smallDisk } from './small-disk.ts'

/** @returns what happened, as a sentence; throws a Violation when it should not have */
export type DiskScenario = (setting: Setting) => Promise<string>

/** Reports before the harm is done. */
const REPORTS = 20
const DISK_MIB = 12
/** Longer than an answer of `/ready` is remembered, in milliseconds. */
const READY_WITHIN_MS = 10_000
const PAGE_BYTES = 4_096
/** Of a frame of the journal, which is a page and its header (SQLite file format 4.1). */
const FRAME_BYTES = PAGE_BYTES + 24

const fullDisk: DiskScenario = async (setting) => {
  await using disk = await smallDisk(DISK_MIB)
  if (disk === undefined) return 'SKIPPED: no file system may be mounted here'
  await using it = await Case.begin(setting, { folder: disk.folder })
  await it.reports(REPORTS)
  await disk.fill()
  let taken = 0
  let answer = await it.report()
  for (; answer.status === 200; answer = await it.report()) taken += 1
  const { status, headers, body, text } = answer
  hold(status === 503 && body['code'] === 'SERVICE_UNAVAILABLE', `a full disk was answered with ${status} ${text}`)
  hold(headers['retry-after'] !== undefined, 'the 503 names no time to come again')
  hold((await it.look()).status === 200, 'nothing can be read any more')
  await it.process.waitFor(/disk of the database is full/, { stream: 'stderr' })
  const isReady = async (): Promise<boolean> => (await it.ready()).status === 200
  await until('it is not ready', READY_WITHIN_MS, async () => !(await isReady()))
  await disk.free()
  await until('it is ready again, before any report', READY_WITHIN_MS, isReady)
  const resumedMs = await until(
    'reports are taken again',
    READY_WITHIN_MS,
    async () => (await it.report()).status === 200,
  )
  await it.end('SIGKILL')
  await it.start()
  await it.requireWhole()
  return `${taken} reports fitted, then 503 with Retry-After and not ready while reads went on; ${Math.round(resumedMs)} ms after there was room it took reports again`
}

const startOnFullDisk: DiskScenario = async (setting) => {
  await using disk = await smallDisk(DISK_MIB)
  if (disk === undefined) return 'SKIPPED: no file system may be mounted here'
  await using it = await Case.begin(setting, { folder: disk.folder })
  await it.reports(REPORTS)
  await it.end('SIGKILL')
  await rm(`${it.file}-shm`)
  await disk.fill()
  const said = await it.refusedStart()
  hold(/full|cannot be written/.test(said), `it said: ${said}`)
  await disk.free()
  await it.start()
  await it.requireWhole()
  return `it refused to start (${said}) and started when there was room`
}

const readOnlyFile: DiskScenario = (setting) =>
  withoutWriting(setting, async (it) => {
    await chmod(it.file, 0o444)
    return () => chmod(it.file, 0o644)
  })

const readOnlyFolder: DiskScenario = (setting) =>
  withoutWriting(setting, async (it) => {
    const folder = path.dirname(it.file)
    await chmod(folder, 0o555)
    return () => chmod(folder, 0o755)
  })

/** As an ordinary user: for root nothing is read-only. */
async function withoutWriting(setting: Setting, forbid: (it: Case) => Promise<() => Promise<void>>): Promise<string> {
  await using it = await Case.begin(setting, { user: await nobody() })
  await it.reports(REPORTS)
  await it.end('SIGTERM')
  const allow = await forbid(it)
  const said = await it.refusedStart()
  hold(/cannot be written/.test(said), `it said: ${said}`)
  await allow()
  await it.start()
  await it.requireWhole()
  return `it refused to start (${said})`
}

/** Ends it with a journal that was not copied into the database, harms that, and starts it again. */
async function withJournal(
  setting: Setting,
  harm: (journal: string, bytes: number) => Promise<unknown>,
): Promise<Case> {
  const it = await Case.begin(setting)
  await it.reports(REPORTS)
  await it.end('SIGKILL')
  const journal = `${it.file}-wal`
  await harm(journal, (await readFile(journal)).length)
  await it.start()
  return it
}

const garbageInJournal: DiskScenario = async (setting) => {
  await using it = await withJournal(setting, (journal) => appendFile(journal, Buffer.alloc(3 * FRAME_BYTES, 0xa5)))
  await it.requireWhole()
  return 'it started, nothing acknowledged is lost'
}

/** What is destroyed on the disk is lost; what was acknowledged before it is not, and no report is half there. */
async function lastReportOnly(it: Case): Promise<string> {
  const lost = await it.lost()
  // A job of the server may have committed after it: then that was destroyed.
  hold(lost.length === 0 || lost.join() === `call-${REPORTS}`, `lost: ${lost.join(' ')}`)
  await it.requireSound()
  return `it started with all but the last commit, whose bytes were destroyed (${lost.length} report)`
}

const truncatedJournal: DiskScenario = async (setting) => {
  await using it = await withJournal(setting, (journal, bytes) => truncate(journal, bytes - 100))
  return await lastReportOnly(it)
}

const flippedJournal: DiskScenario = async (setting) => {
  await using it = await withJournal(setting, async (journal, bytes) => {
    const handle = await open(journal, 'r+')
    await handle.write(Buffer.alloc(16, 0xa5), 0, 16, bytes - FRAME_BYTES / 2)
    await handle.close()
  })
  return await lastReportOnly(it)
}

const damaged =
  (harmed: (whole: Buffer) => Buffer): DiskScenario =>
  async (setting) => {
    await using it = await Case.begin(setting)
    await it.reports(REPORTS)
    await it.end('SIGTERM')
    const whole = await readFile(it.file)
    await writeFile(it.file, harmed(whole))
    const said = await it.refusedStart()
    hold(/restore a backup/.test(said), `it said: ${said}`)
    await writeFile(it.file, whole)
    await it.start()
    await it.requireWhole()
    return `it refused to start (${said})`
  }

/** What was committed last is gone with it, and nobody can know; what is left is as it was once. */
const journalLost: DiskScenario = async (setting) => {
  await using it = await Case.begin(setting)
  await it.reports(REPORTS)
  await it.end('SIGTERM')
  await it.start()
  await it.reports(REPORTS)
  await it.end('SIGKILL')
  await rm(`${it.file}-wal`)
  await it.start()
  const lost = await it.lost()
  hold(lost.length === REPORTS, `${lost.length} of ${REPORTS} reports in the journal are lost`)
  await it.requireSound()
  return 'it started with what the database itself held, which is sound; only heads that are kept elsewhere tell what is gone'
}

const replaced: DiskScenario = async (setting) => {
  await using it = await Case.begin(setting)
  await it.reports(REPORTS)
  await copyFile(it.file, `${it.file}.mine`)
  await copyFile(it.file, `${it.file}.other`)
  await rename(`${it.file}.other`, it.file)
  const { status, headers } = await it.report()
  hold(status === 503 && headers['retry-after'] !== undefined, `a report was answered with ${status}`)
  await it.process.waitFor(/was replaced while it was open/, { stream: 'stderr' })
  await it.end('SIGKILL')
  await rename(`${it.file}.mine`, it.file)
  await it.start()
  await it.requireWhole()
  return 'from then on 503, the log says which file; nothing was acknowledged that is not in the first one'
}

const deleted =
  (suffix: '' | '-wal'): DiskScenario =>
  async (setting) => {
    await using it = await Case.begin(setting)
    await it.reports(REPORTS)
    const saved = await readFile(it.file)
    const journal = await readFile(`${it.file}-wal`)
    await rm(`${it.file}${suffix}`)
    const { status, headers } = await it.report()
    hold(status === 503 && headers['retry-after'] !== undefined, `a report was answered with ${status}`)
    await until('it is not ready', READY_WITHIN_MS, async () => (await it.ready()).status === 503)
    await it.process.waitFor(/was deleted while it was open/, { stream: 'stderr' })
    await it.end('SIGKILL')
    await writeFile(it.file, saved)
    await writeFile(`${it.file}-wal`, journal)
    await it.start()
    await it.requireWhole()
    return 'from then on 503, not ready, the log says which file; nothing was acknowledged that is not in the copy made before'
  }

const withoutSharedMemory: DiskScenario = async (setting) => {
  await using it = await Case.begin(setting)
  await it.reports(REPORTS)
  await rm(`${it.file}-shm`)
  await it.reports(REPORTS)
  await it.end('SIGKILL')
  await rm(`${it.file}-shm`, { force: true })
  await it.start()
  await it.requireWhole()
  return 'it went on, and started without it; nothing is lost'
}

const secondServer: DiskScenario = async (setting) => {
  await using it = await Case.begin(setting)
  const said = await it.refusedStart()
  hold(/another server serves/.test(said), `it said: ${said}`)
  await it.reports(REPORTS)
  await it.end('SIGKILL')
  await it.start()
  await it.requireWhole()
  return `the second refused to start (${said}); the first went on, and after kill -9 the next started`
}

export const DISK_SCENARIOS: Readonly<Record<string, DiskScenario>> = {
  'disk full under load': fullDisk,
  'start on a full disk': startOnFullDisk,
  'read-only file': readOnlyFile,
  'read-only folder': readOnlyFolder,
  'garbage after the journal': garbageInJournal,
  'journal cut off in its last frame': truncatedJournal,
  'bytes flipped in the last frame of the journal': flippedJournal,
  'first page of the database overwritten': damaged((whole) =>
    Buffer.concat([Buffer.alloc(PAGE_BYTES, 0xa5), whole.subarray(PAGE_BYTES)]),
  ),
  'database cut in half': damaged((whole) => whole.subarray(0, whole.length / 2)),
  'journal deleted while nobody served': journalLost,
  'database replaced by another under the server': replaced,
  'database deleted under the server': deleted(''),
  'journal deleted under the server': deleted('-wal'),
  'shared memory removed': withoutSharedMemory,
  'second server on the same file': secondServer,
}

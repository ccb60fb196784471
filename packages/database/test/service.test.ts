import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { DatabaseService, type DbSource, type InTx } from '../src/index.ts'
import { createTestDb } from '../src/testing.ts'

class Notes extends DatabaseService {
  put(key: string, options: InTx = {}): Promise<unknown> {
    return this.write((tx) => tx.sql.insertInto('meta').values({ key, value: 'v' }).execute(), options)
  }
  count(): Promise<number> {
    return this.read(async (tx) => (await tx.sql.selectFrom('meta').selectAll().execute()).length)
  }
}

const inFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-service-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('OPS-17 constructing a service opens nothing', () =>
  inFolder(async (folder) => {
    const service = new Notes(path.join(folder, 'deep', 'x.db'))
    await service.close()
    await expect(service.count()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
  }))

test.each([undefined, null, 5, {}])('a service of %j is refused where it is made', (source) => {
  expect(() => new Notes(source as never)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_URL' }))
})

test('OPS-19 services that name one file share one handle, until the last one closes', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'deep', 'x.db')
    const sources: DbSource[] = [file, `sqlite:${file}`, new URL(`file://${file}`)]
    const services = sources.map((source) => new Notes(source))
    const handles = await Promise.all(services.map((service) => service.ready()))
    expect(new Set(handles).size).toBe(1)
    await Promise.all(services.map((service, index) => service.put(String(index))))
    await services[0]!.close()
    await services[0]!.close()
    expect(await services[1]!.count()).toBe(3)
    await services[1]!.close()
    await services[2]!.close()
    await expect(handles[0]!.ping()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
    await using again = new Notes(file)
    expect(await again.count()).toBe(3)
  }))

test('OPS-19 a link to a file or to its folder is the same place', () =>
  inFolder(async (folder) => {
    mkdirSync(path.join(folder, 'real'))
    symlinkSync(path.join(folder, 'real'), path.join(folder, 'link'))
    await using one = new Notes(path.join(folder, 'real', 'deep', 'x.db'))
    await using two = new Notes(path.join(folder, 'link', 'deep', 'x.db'))
    expect(await one.ready()).toBe(await two.ready())
    symlinkSync(path.join(folder, 'real', 'deep', 'x.db'), path.join(folder, 'y.db'))
    await using three = new Notes(path.join(folder, 'y.db'))
    expect(await three.ready()).toBe(await one.ready())
  }))

test('OPS-02 every service that waited for a database that could not be opened asks anew', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'x.db')
    writeFileSync(file, 'not a database'.repeat(1000))
    await using one = new Notes(file)
    await using two = new Notes(file)
    const failed = { code: 'DATABASE_UNAVAILABLE' }
    await Promise.all([one, two].map((service) => expect(service.count()).rejects.toMatchObject(failed)))
    rmSync(file)
    await two.put('k')
    expect(await one.count()).toBe(1)
    expect(await one.ready()).toBe(await two.ready())
  }))

test('a service that closes without having opened anything leaves the handle to those who use it', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'x.db')
    writeFileSync(file, 'not a database'.repeat(1000))
    await using one = new Notes(file)
    const two = new Notes(file)
    await Promise.allSettled([one.count(), two.count()])
    rmSync(file)
    await one.put('k')
    await two.close()
    await using three = new Notes(file)
    expect(await three.ready()).toBe(await one.ready())
  }))

test('memory is never shared, and an open handle is not closed by a service', async () => {
  await using one = new Notes(':memory:')
  await using other = new Notes(':memory:')
  await one.put('k')
  expect(await other.count()).toBe(0)
  await using given = await createTestDb()
  const service = new Notes(given.db)
  await service.put('k')
  await service.close()
  await given.db.ping()
})

test('a transaction of another database is refused by a service', async () => {
  await using one = await createTestDb()
  await using other = await createTestDb()
  const notes = new Notes(other.db)
  await one.db.write((tx) => expect(notes.put('k', { tx })).rejects.toMatchObject({ code: 'TRANSACTION_CLOSED' }))
  await other.db.write((tx) => notes.put('k', { tx }))
  expect(await notes.count()).toBe(1)
})

test('a folder that cannot be made is a database that cannot be used', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'file')
    writeFileSync(file, '')
    await using service = new Notes(path.join(file, 'x.db'))
    await expect(service.count()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', details: { reason: 'EEXIST' } })
  }))

test('a source that cannot be a database is refused by the constructor', () => {
  expect(() => new Notes('mysql://host/db')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_URL' }))
})

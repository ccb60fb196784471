import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { DatabaseService, type DbSource } from '../src/index.ts'
import { createTestDb } from '../src/testing.ts'

class Notes extends DatabaseService {
  put(key: string): Promise<unknown> {
    return this.write((tx) => tx.sql.insertInto('meta').values({ key, value: 'v' }).execute())
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

test('a source that cannot be a database is refused by the constructor', () => {
  expect(() => new Notes('mysql://host/db')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_URL' }))
})

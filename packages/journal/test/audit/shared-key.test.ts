import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { AuditLog } from '../../src/index.ts'

const key = Buffer.alloc(32, 5)
const entry = (operation: string) => ({ operation, resourceType: 'user', resourceId: 'user-1', actor: 'user-1' })

describe.each(await enginesForTests())('DAT-12 the key of a chain on %s', (dialect) => {
  test('holds for every audit log of the handle, also for one made earlier', async () => {
    await using test = await createTestDb({ dialect })
    const early = new AuditLog(test.db)
    const keyed = new AuditLog(test.db, { hmacKey: key })
    const late = new AuditLog(test.db)
    await test.db.write(async (tx) => {
      early.defer(entry('ONE'), { tx })
      keyed.defer(entry('TWO'), { tx })
      late.defer(entry('THREE'), { tx })
    })
    expect(await keyed.verify()).toMatchObject({ ok: true, head: { seq: 3 } })
    expect(await late.verify()).toMatchObject({ ok: true })
    const foreign = new AuditLog(test.db, { hmacKey: Buffer.alloc(32, 6) })
    expect(await foreign.verify()).toMatchObject({ ok: false, seq: 1, fault: 'changed' })
  })
})

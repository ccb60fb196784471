import { describe, expect, test } from '@jest/globals'
import { canonicalJson } from '@iron/database'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { AuditLog, type AuditVerification, JournalError, verifyExport } from '@iron/journal'
import { createHash } from 'node:crypto'
import fc from 'fast-check'

const engines = await enginesForTests()

async function fill(t: TestDb, audit: AuditLog, entries: number): Promise<void> {
  for (let from = 0; from < entries; from += 3) {
    await t.db.write(async (tx) => {
      for (let n = from; n < Math.min(from + 3, entries); n += 1) {
        const actor = {
          type: 'user',
          id: `user_${String(n)}`,
          role: 'admin',
          ip: '127.0.0.1',
          userAgent: 'x',
          requestId: `h${String(n)}`,
        } as const
        const changes = { before: { n }, after: { n: n + 1 } }
        audit.defer(
          { operation: 'USER_UPDATED', resourceType: 'user', resourceId: 'u', actor, changes, reason: 'r' },
          { tx },
        )
      }
    })
  }
}

/** What only somebody with the file in his hands can do. */
async function dropTriggers(t: TestDb): Promise<void> {
  if (t.db.dialect === 'sqlite') {
    const triggers = await t.rows<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('audit_log', 'log_heads')",
    )
    for (const { name } of triggers) await t.rows(`DROP TRIGGER ${name}`)
  } else {
    await t.rows('ALTER TABLE audit_log DISABLE TRIGGER USER')
    await t.rows('ALTER TABLE log_heads DISABLE TRIGGER USER')
  }
}

async function lines(audit: AuditLog, after?: number): Promise<string[]> {
  const all: string[] = []
  for await (const line of audit.export({ after })) all.push(line)
  return all
}

const bad = (seq: number, fault: string): unknown => expect.objectContaining({ ok: false, seq, fault })

describe.each(engines)('audit log on %s', (dialect) => {
  test('DAT-10: an entry and its change commit together; a rolled-back one leaves nothing', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    const attempt = t.db.write(async (tx) => {
      await tx.sql.insertInto('meta').values({ key: 'x', value: '1' }).execute()
      audit.defer({ operation: 'A', resourceType: 'x', actor: 'u' }, { tx })
      throw new Error('undone')
    })
    await expect(attempt).rejects.toThrow('undone')
    expect(await audit.head()).toEqual({ seq: 0, hash: '0'.repeat(64) })
    const refused = t.db.write(async (tx) => {
      await tx.sql.insertInto('meta').values({ key: 'x', value: '1' }).execute()
      audit.defer({ operation: 'not upper', resourceType: '', actor: '' }, { tx })
    })
    await expect(refused).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: {
        fields: { operation: expect.any(String), resourceType: expect.any(String), 'actor.id': expect.any(String) },
      },
    })
    expect(await t.scalar("SELECT count(*) FROM meta WHERE key = 'x'")).toBe(0)
  })

  test('DAT-11: an entry holds the true actor, address and request id; a string is a user', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    const actor = {
      type: 'api_token',
      id: 'tok_1',
      userId: 'user_1',
      role: 'admin',
      ip: '::1',
      userAgent: 'é'.repeat(600),
      requestId: 'h1',
    } as const
    const [first, second] = await t.db.write(async (tx) => [
      await audit.append({ operation: 'A', resourceType: 'x', actor }, { tx }),
      await audit.append({ operation: 'B', resourceType: 'x', resourceId: '7', actor: 42, reason: 'why\nnot' }, { tx }),
    ])
    expect(first).toMatchObject({
      seq: 1,
      actor: { ...actor, userAgent: 'é'.repeat(500) },
      changes: null,
      metadata: {},
    })
    expect(second).toMatchObject({ seq: 2, actor: { type: 'user', id: '42', userId: '42' }, prevHash: first.hash })
    expect(await audit.get(second.id)).toEqual(second)
    expect(await audit.get('aud_none')).toBeUndefined()
    expect((await audit.list({ userId: 'user_1' })).data).toEqual([first])
    expect(
      (
        await audit.list({
          resourceId: '7',
          actorId: '42',
          operation: 'B',
          resourceType: 'x',
          from: 0,
          to: t.clock.now() + 1,
        })
      ).data,
    ).toEqual([second])
    expect((await audit.list({ to: t.clock.now() })).data).toEqual([])
  })

  test('DAT-12: the hash is SHA-256 over the previous hash and the canonical JSON of all other columns', async () => {
    await using t = await createTestDb({ dialect })
    await fill(t, new AuditLog(t.db), 2)
    const [, row] = await t.rows<Record<string, unknown>>('SELECT * FROM audit_log ORDER BY seq')
    const { prev_hash: prevHash, hash, ...columns } = row!
    expect(
      createHash('sha256')
        .update(String(prevHash) + canonicalJson(columns))
        .digest('hex'),
    ).toBe(hash)
  })

  test('SEC-01: secrets become [redacted] before they are hashed or stored', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    const changes = {
      before: { password: 'CANARY', name: 'a' },
      after: { apiKey: 'CANARY', list: [{ client_secret: { x: 'CANARY' } }] },
    }
    const entry = await t.db.write((tx) =>
      audit.append(
        {
          operation: 'A',
          resourceType: 'x',
          actor: 'u',
          changes,
          metadata: { Authorization: 'CANARY', key_id: 'key_1', input_tokens: 5 },
        },
        { tx },
      ),
    )
    expect(entry.changes).toEqual({
      before: { password: '[redacted]', name: 'a' },
      after: { apiKey: '[redacted]', list: [{ client_secret: '[redacted]' }] },
    })
    expect(entry.metadata).toEqual({ Authorization: '[redacted]', key_id: 'key_1', input_tokens: 5 })
    expect(JSON.stringify(await t.rows('SELECT * FROM audit_log'))).not.toContain('CANARY')
  })

  test('an entry above 64 KiB is refused when it is handed in', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    const entry = (size: number) => ({
      operation: 'A',
      resourceType: 'x',
      actor: 'u',
      metadata: { text: 'x'.repeat(size) },
    })
    const outcome = t.db.write(async (tx) => audit.defer(entry(65_536), { tx }))
    await expect(outcome).rejects.toMatchObject({ code: 'ENTRY_TOO_LARGE' })
    await t.db.write(async (tx) => audit.defer(entry(65_000), { tx }))
    expect((await audit.verify()).ok).toBe(true)
  })

  test('DAT-09: the database refuses to change or delete an entry', async () => {
    await using t = await createTestDb({ dialect })
    await fill(t, new AuditLog(t.db), 2)
    await expect(t.rows("UPDATE audit_log SET reason = 'x' WHERE seq = 1")).rejects.toMatchObject({
      code: 'DATABASE_CONSTRAINT',
    })
    await expect(t.rows('DELETE FROM audit_log WHERE seq = 2')).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
  })

  test('EVT-05: entries of parallel transactions get numbers without gaps in one chain', async () => {
    await using t = await createTestDb({ dialect, storage: 'file' })
    const audits = [new AuditLog(t.db), new AuditLog(t.db)]
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        t.db.write(
          async (tx) => {
            for (const audit of audits)
              audit.defer({ operation: 'A', resourceType: 'x', resourceId: String(n), actor: 'u' }, { tx })
          },
          { group: n % 2 === 0 },
        ),
      ),
    )
    expect(await audits[0]!.verify()).toMatchObject({ ok: true, head: { seq: 60 } })
  })

  test('DAT-20: pages in both orders neither skip nor repeat while the log grows', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    await fill(t, audit, 7)
    const seen: number[] = []
    let after: string | undefined
    do {
      const page = await audit.list({}, { limit: 3, after })
      seen.push(...page.data.map((entry) => entry.seq))
      after = page.nextCursor ?? undefined
      await fill(t, audit, 2)
    } while (after !== undefined)
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1])
    expect((await audit.list({}, { limit: 2, order: 'asc' })).data.map((entry) => entry.seq)).toEqual([1, 2])
  })

  test('DAT-12: a change of any field is found and named, online and on an export', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    await fill(t, audit, 5)
    const original = await lines(audit)
    await dropTriggers(t)
    const [row] = await t.rows<Record<string, string | number | null>>('SELECT * FROM audit_log WHERE seq = 3')
    for (const [column, value] of Object.entries(row!)) {
      if (column === 'seq') continue
      const other =
        column === 'actor_type'
          ? 'system'
          : typeof value === 'number'
            ? value + 1
            : column.endsWith('hash')
              ? `f${(value as string).slice(1)}`.replace(/^ff/, 'e').padEnd(64, '0').slice(0, 64)
              : `${value ?? ''}x`
      await t.rows(`UPDATE audit_log SET ${column} = ? WHERE seq = 3`, other)
      expect({ column, result: await audit.verify() }).toEqual({ column, result: bad(3, 'changed') })
      expect({ column, result: await verifyExport(await lines(audit)) }).toEqual({ column, result: bad(3, 'changed') })
      await t.rows(`UPDATE audit_log SET ${column} = ? WHERE seq = 3`, value)
    }
    expect(await lines(audit)).toEqual(original)
    expect((await audit.verify()).ok).toBe(true)
  })

  test('DAT-12: dropped, swapped and cut-off entries are found and named, online and on an export', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    await fill(t, audit, 6)
    const head = await audit.head()
    const original = await lines(audit)
    await dropTriggers(t)

    await t.rows('UPDATE audit_log SET seq = 99 WHERE seq = 2')
    await t.rows('UPDATE audit_log SET seq = 2 WHERE seq = 3')
    await t.rows('UPDATE audit_log SET seq = 3 WHERE seq = 99')
    expect(await audit.verify()).toEqual(bad(2, 'reordered'))
    expect(await verifyExport(await lines(audit))).toEqual(bad(2, 'reordered'))
    await t.rows('UPDATE audit_log SET seq = 99 WHERE seq = 2')
    await t.rows('UPDATE audit_log SET seq = 2 WHERE seq = 3')
    await t.rows('UPDATE audit_log SET seq = 3 WHERE seq = 99')
    expect((await audit.verify()).ok).toBe(true)

    await t.rows('UPDATE audit_log SET seq = 9 WHERE seq = 2')
    expect(await audit.verify()).toEqual(bad(2, 'reordered'))
    await t.rows('UPDATE audit_log SET seq = 2 WHERE seq = 9')
    await t.rows('UPDATE audit_log SET seq = 9 WHERE seq = 6')
    expect(await audit.verify()).toEqual(bad(6, 'reordered'))
    await t.rows('UPDATE audit_log SET seq = 6 WHERE seq = 9')

    await t.rows("UPDATE log_heads SET head_seq = 5 WHERE name = 'audit'")
    expect(await audit.verify()).toEqual(bad(6, 'changed'))
    await t.rows("UPDATE log_heads SET head_seq = 6, head_hash = ? WHERE name = 'audit'", 'a'.repeat(64))
    expect(await audit.verify()).toEqual(bad(6, 'changed'))
    await t.rows("UPDATE log_heads SET head_hash = ? WHERE name = 'audit'", head.hash)

    await t.rows('DELETE FROM audit_log WHERE seq = 6')
    expect(await audit.verify()).toEqual(bad(6, 'truncated'))
    expect(await verifyExport(await lines(audit), { expect: head })).toEqual(bad(6, 'truncated'))
    const five = (JSON.parse(original[4]!) as { hash: string }).hash
    await t.rows("UPDATE log_heads SET head_seq = 5, head_hash = ? WHERE name = 'audit'", five)
    expect((await audit.verify()).ok).toBe(true)
    expect(await audit.verify({ expect: head })).toEqual(bad(6, 'truncated'))

    await t.rows('DELETE FROM audit_log WHERE seq = 4')
    expect(await audit.verify()).toEqual(bad(4, 'missing'))
    expect(await audit.verify({ fromSeq: 5 })).toEqual(bad(4, 'missing'))
    expect(await audit.verify({ toSeq: 3 })).toMatchObject({ ok: true })
    expect(await verifyExport(await lines(audit))).toEqual(bad(4, 'missing'))
    await t.rows('DELETE FROM audit_log WHERE seq = 1')
    expect(await audit.verify()).toEqual(bad(1, 'missing'))
    await t.rows('DELETE FROM audit_log')
    expect(await audit.verify()).toEqual(bad(1, 'truncated'))
    expect(await verifyExport(original, { expect: head })).toEqual({ ok: true, head })
  })

  test('DAT-12: a chain that was written anew is found against a head kept elsewhere, and always with a key', async () => {
    await using t = await createTestDb({ dialect })
    const hmacKey = new Uint8Array(32).fill(7)
    const audit = new AuditLog(t.db, { hmacKey })
    await fill(t, audit, 3)
    expect((await audit.verify()).ok).toBe(true)
    expect(await verifyExport(await lines(audit), { hmacKey })).toMatchObject({ ok: true })
    const other = new AuditLog(t.db, { hmacKey: new Uint8Array(32).fill(8) })
    expect(await other.verify()).toEqual(bad(1, 'changed'))
    expect(await verifyExport(await lines(audit))).toEqual(bad(1, 'changed'))
    expect(await audit.verify({ expect: { seq: 2, hash: 'b'.repeat(64) } })).toEqual(bad(2, 'changed'))
  })

  test('verify walks ranges and several pages, and stops when its time is over', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    await t.db.write(async (tx) => {
      for (let n = 0; n < 1_203; n += 1) audit.defer({ operation: 'A', resourceType: 'x', actor: 'u' }, { tx })
    })
    expect(await audit.verify()).toMatchObject({ ok: true, head: { seq: 1_203 } })
    expect(await audit.verify({ fromSeq: 700, toSeq: 900 })).toMatchObject({ ok: true })
    expect((await lines(audit, 1_200)).length).toBe(3)
    let now = 0
    const slow = new AuditLog(t.db, { clock: { now: () => (now += 40) } })
    await expect(slow.verify({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' })
  })

  test('DAT-12: a number that is none is refused; nothing passes without having been looked at', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    const refused = (...fields: string[]): object => ({
      code: 'VALIDATION_ERROR',
      details: { fields: Object.fromEntries(fields.map((field) => [field, 'must be a whole number'])) },
    })
    const none = Number.NaN
    await expect(audit.verify({ toSeq: none, timeoutMs: none })).rejects.toMatchObject(refused('toSeq', 'timeoutMs'))
    const expected = { seq: none, hash: 'a'.repeat(64) }
    await expect(audit.verify({ expect: expected })).rejects.toMatchObject(refused('expect.seq'))
    await expect(audit.verify({ fromSeq: 0.5 })).rejects.toMatchObject(refused('fromSeq'))
    await expect(audit.list({ from: none, to: 0.5 })).rejects.toMatchObject(refused('from', 'to'))
    await expect(lines(audit, none)).rejects.toMatchObject(refused('after'))
  })

  test('DAT-12: a part of an export is verified alone by the head it follows', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    await fill(t, audit, 3)
    const after = await audit.head()
    await fill(t, audit, 3)
    const head = await audit.head()
    const part = await lines(audit, after.seq)
    expect(await verifyExport(part)).toEqual(bad(1, 'missing'))
    expect(await verifyExport(part, { after, expect: head })).toEqual({ ok: true, head })
    expect(await verifyExport(part.slice(0, -1), { after, expect: head })).toEqual(bad(6, 'truncated'))
    expect(await verifyExport(part.slice(1), { after })).toEqual(bad(4, 'missing'))
    expect(await verifyExport(part, { after: { ...after, hash: 'c'.repeat(64) } })).toEqual(bad(4, 'changed'))
  })

  test('an empty log verifies', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    expect(await audit.verify()).toEqual({ ok: true, head: { seq: 0, hash: '0'.repeat(64) } })
    expect(await verifyExport([])).toEqual({ ok: true, head: { seq: 0, hash: '0'.repeat(64) } })
  })
})

test('DAT-12: any single edit of an export is found (property)', async () => {
  await using t = await createTestDb()
  const audit = new AuditLog(t.db)
  await fill(t, audit, 8)
  const head = await audit.head()
  const original = await lines(audit)
  const edit = fc.record({
    kind: fc.constantFrom('character', 'drop', 'swap', 'cut'),
    line: fc.nat(7),
    place: fc.nat(1_000),
    to: fc.constantFrom('0', 'a', '"', '{', ' '),
  })
  await fc.assert(
    fc.asyncProperty(edit, async ({ kind, line, place, to }) => {
      const edited = [...original]
      const text = edited[line]!
      if (kind === 'character') {
        const at = place % text.length
        edited[line] = text.slice(0, at) + to + text.slice(at + 1)
      } else if (kind === 'drop') edited.splice(line, 1)
      else if (kind === 'cut') edited.length = line
      else [edited[line], edited[(line + 1) % 8]] = [edited[(line + 1) % 8]!, text]
      const result: AuditVerification = await verifyExport(edited, { expect: head })
      const same = edited.length === 8 && edited.every((each, n) => safe(each) === safe(original[n]!))
      expect(result.ok).toBe(same)
      if (!result.ok)
        expect(result.seq).toBe(kind === 'swap' ? Math.min(line + 1, line === 7 ? 1 : line + 1) : line + 1)
    }),
    { numRuns: 300 },
  )
})

test('DAT-12: a name that stands twice in a line is found, whichever of the two a reader takes', async () => {
  await using t = await createTestDb()
  const audit = new AuditLog(t.db)
  await fill(t, audit, 2)
  // A text may hold what looks like a name.
  const reason = String.raw`"reason": \" , "seq":`
  await t.db.write((tx) => {
    audit.defer({ operation: 'A', resourceType: 'x', actor: 'u', reason }, { tx })
    return Promise.resolve()
  })
  const original = await lines(audit)
  expect((await verifyExport(original)).ok).toBe(true)
  for (const twice of ['"operation":"NOTHING",', '"seq" : 3,', String.raw`"\u0069p":null,`]) {
    const edited = [...original]
    edited[2] = edited[2]!.replace('{', `{${twice}`)
    expect(await verifyExport(edited)).toMatchObject({ ok: false, seq: 3, fault: 'changed' })
  }
})

/** The meaning of a line: white space between members says nothing. */
function safe(line: string): string {
  try {
    return canonicalJson(JSON.parse(line))
  } catch {
    return line
  }
}

test('errors of the journal are told apart by code', () => {
  expect(new JournalError('QUERY_TIMEOUT', 'x')).toMatchObject({
    name: 'JournalError',
    code: 'QUERY_TIMEOUT',
    retryable: false,
  })
})

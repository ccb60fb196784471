import { expect, test } from '@jest/globals'
import { leaveTrace, openBehindProxy, query, timed, traces, withPostgres } from './open-postgres.ts'

const unknown = { code: 'DATABASE_UNAVAILABLE', retryable: false, details: { outcome: 'unknown' } }

withPostgres('a commit', () => {
  test('whose answer was lost is neither repeated nor called undone: it happened once', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    let runs = 0
    let afterCommit = 0
    const doomed = proxy.doom('COMMIT', 'cut after')
    const writing = db.write(async (tx) => {
      runs += 1
      tx.afterCommit(() => (afterCommit += 1))
      await leaveTrace(tx, 'committed')
    })
    await expect(writing).rejects.toMatchObject(unknown)
    await doomed
    expect(runs).toBe(1)
    expect(afterCommit).toBe(0)
    expect(await traces(truth, 'committed')).toBe(1)
  })

  test('that never arrived has the same error, and happened not at all', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    const doomed = proxy.doom('COMMIT', 'cut before')
    await expect(db.write((tx) => leaveTrace(tx, 'undone'))).rejects.toMatchObject(unknown)
    await doomed
    expect(await traces(truth, 'undone')).toBe(0)
  })

  test('whose answer hangs is given up soon after the time of the write, outcome unknown', async () => {
    await using place = await openBehindProxy({ commitMs: 300 })
    const { db, proxy, truth } = place
    const doomed = proxy.doom('COMMIT', 'hang after')
    const { ms, outcome } = await timed(db.write((tx) => leaveTrace(tx, 'late'), { timeoutMs: 500 }))
    await doomed
    expect(outcome).toMatchObject(unknown)
    expect(ms).toBeLessThan(2_500)
    expect(await traces(truth, 'late')).toBe(1)
    expect(await traces(db, 'late')).toBe(1)
  })

  test('before which the connection was lost is known not to have happened', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    const doomed = proxy.doom('INSERT INTO meta', 'cut after')
    const writing = db.write((tx) => leaveTrace(tx, 'before'))
    await expect(writing).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true, details: {} })
    await doomed
    expect(await traces(truth, 'before')).toBe(0)
  })

  test('that the server refuses is known not to have happened, and a conflict there is run again', async () => {
    await using place = await openBehindProxy()
    const { db, truth } = place
    await db.write((tx) => tx.execute(query(DEFERRED)))
    let runs = 0
    const writing = (state: string, refusals: number): Promise<string> =>
      db.write(async (tx) => {
        runs += 1
        await leaveTrace(tx, state)
        await tx.execute(query(`INSERT INTO checked VALUES ($1)`, runs <= refusals ? state : '00000'))
        return 'done'
      })
    await expect(writing('23514', 1)).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    expect(await traces(truth, '23514')).toBe(0)
    runs = 0
    expect(await writing('40001', 2)).toBe('done')
    expect(runs).toBe(3)
    expect(await traces(truth, '40001')).toBe(1)
  })

  test('of a transaction in which a failed statement was swallowed is an error, not a silent rollback', async () => {
    await using place = await openBehindProxy()
    const { db, truth } = place
    const writing = db.write(async (tx) => {
      await leaveTrace(tx, 'swallowed')
      await tx.execute(query('SELECT 1 / 0')).catch(() => undefined)
      return 'done'
    })
    await expect(writing).rejects.toMatchObject({ code: 'TRANSACTION_CLOSED' })
    expect(await traces(truth, 'swallowed')).toBe(0)
  })
})

/** A table whose rows name the SQLSTATE with which their commit is refused. */
const DEFERRED = `
  DO $do$ BEGIN
    CREATE TABLE checked (state text);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $fn$
      BEGIN
        IF NEW.state <> '00000' THEN RAISE EXCEPTION 'refused' USING ERRCODE = NEW.state; END IF;
        RETURN NULL;
      END $fn$;
    CREATE CONSTRAINT TRIGGER checked_late AFTER INSERT ON checked
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
  END $do$`

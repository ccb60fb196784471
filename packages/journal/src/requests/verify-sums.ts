import type { IronDatabase, ReadTx, WriteTx } from '@iron/database'
import { countDifferences } from './count-differences.ts'
import { endOf, LENGTH_OF, startOf, SUM_GRAINS, type SumGrain } from './grains.ts'
import { readProgress, ROLL_UP_LOCK } from './hours.ts'
import type { RollupRange } from './roll-up.ts'
import { computeSpan, rebuildSpan } from './sum-hours.ts'

/** Compares sums with the roll-ups they are made of, span by span, what others are made of first. */
export async function verifySums(db: IronDatabase, range: RollupRange): Promise<number> {
  let differences = 0
  for (const grain of SUM_GRAINS) {
    let from = startOf(LENGTH_OF[grain], range.from ?? 0)
    for (;;) {
      const start = from
      const checked = await db.write((tx) => verifyNext(tx, grain, start, range))
      if (checked === undefined) break
      differences += checked.differences
      from = endOf(LENGTH_OF[grain], checked.start)
    }
  }
  return differences
}

async function verifyNext(
  tx: WriteTx,
  grain: SumGrain,
  from: number,
  { to = Infinity, repair = false }: RollupRange,
): Promise<{ readonly start: number; readonly differences: number } | undefined> {
  await tx.lock(ROLL_UP_LOCK)
  const progress = await readProgress(tx)
  const start = await nextStart(tx, grain, from, progress.summedHour)
  if (start === undefined || start >= to) return undefined
  const stored = await tx.sql
    .selectFrom('request_sums')
    .selectAll()
    .where('grain', '=', grain)
    .where('start', '=', start)
    .execute()
  const differences = countDifferences(stored, await computeSpan(tx, grain, start, progress))
  if (differences > 0 && repair) await rebuildSpan(tx, grain, start, progress)
  return { start, differences }
}

/** The next span that has sums, or roll-ups that belong in one. */
async function nextStart(tx: ReadTx, grain: SumGrain, from: number, summedHour: number): Promise<number | undefined> {
  const sum = await tx.sql
    .selectFrom('request_sums')
    .select('start')
    .where('grain', '=', grain)
    .where('start', '>=', from)
    .orderBy('start')
    .limit(1)
    .executeTakeFirst()
  const rollup = await tx.sql
    .selectFrom('request_rollups')
    .select('hour_start')
    .where('hour_start', '>=', from)
    .where('hour_start', '<=', summedHour)
    .orderBy('hour_start')
    .limit(1)
    .executeTakeFirst()
  const starts = [sum?.start, rollup && startOf(LENGTH_OF[grain], rollup.hour_start)].filter(
    (start) => start !== undefined,
  )
  return starts.length === 0 ? undefined : Math.min(...starts)
}

/** What all books together say, for whoever watches an installation. */
import { prepare, type ReadTx } from '@iron/database'
import { restSum, wholeSum, wideSum } from '../budget/wide-sum.ts'

/** Sums over all agents, archived ones included, in microdollars: together they may exceed what one amount can. */
export interface LedgerTotals {
  readonly allocated: bigint
  readonly reserved: bigint
  readonly spent: bigint
  /** What open leases still hold, counted lease by lease: the most that can be spent unheard while no server answers (E5). */
  readonly outstanding: bigint
  /** Leases before their deadline, and open ones past it. */
  readonly active: number
  readonly expired: number
}

interface Halves {
  readonly whole: number | null
  readonly rest: number | null
}

const balances = prepare<
  object,
  {
    [K in 'allocated' | 'reserved' | 'spent' as `${K}_whole` | `${K}_rest`]: number | null
  }
>((db) =>
  db.selectFrom('agent_budgets').select((eb) =>
    (['allocated', 'reserved', 'spent'] as const).flatMap((name) => {
      const micros = eb.cast<number>(`${name}_micros`, 'bigint')
      return [wholeSum(micros).as(`${name}_whole`), restSum(micros).as(`${name}_rest`)]
    }),
  ),
)

const openLeases = prepare<{ now: number }, Halves & { readonly open: number; readonly expired: number | null }>(
  (db, p) =>
    db
      .selectFrom('leases')
      .select((eb) => {
        const spent = eb.cast<number>('spent_micros', 'bigint')
        const held = eb.parens(eb(eb.cast<number>('granted_micros', 'bigint'), '-', spent))
        return [
          eb.fn.countAll<number>().as('open'),
          eb.fn.sum<number | null>(eb.case().when('expires_at', '<=', p('now')).then(1).else(0).end()).as('expired'),
          wholeSum(held).as('whole'),
          restSum(held).as('rest'),
        ]
      })
      // An open lease has released nothing, as the table checks.
      .where('status', '=', 'active'),
)

/** One look at every budget row, and at the open leases alone. */
export async function readTotals(tx: ReadTx, now: number): Promise<LedgerTotals> {
  const sums = await balances.first(tx, {})
  const leases = await openLeases.first(tx, { now })
  const expired = leases?.expired ?? 0
  return Object.freeze({
    allocated: wideSum(sums?.allocated_whole, sums?.allocated_rest),
    reserved: wideSum(sums?.reserved_whole, sums?.reserved_rest),
    spent: wideSum(sums?.spent_whole, sums?.spent_rest),
    outstanding: wideSum(leases?.whole, leases?.rest),
    active: (leases?.open ?? 0) - expired,
    expired,
  })
}

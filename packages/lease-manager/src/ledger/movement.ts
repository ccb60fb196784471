/**
 * The seven movements of money and what each does to an agent's four accounts (budget protocol 3.1, 3.2). Pure: nothing here
 * reads or writes. Money moves from the credited to the debited account, so the four balances always add up to 0 (I3).
 */
import { type Amounts, type Microdollars, minus } from '@iron/cost-calculator'
import { plus } from '../amount.ts'

/** Where an agent's money is: `funding` is the outside source. */
export type LedgerAccount = 'funding' | 'available' | 'reserved' | 'spent'

/** Why money moved. */
export type LedgerType = 'allocate' | 'deallocate' | 'grant' | 'spend' | 'overrun' | 'release' | 'adjust'

/** What is stored of an agent's accounts: A, V and S. */
export type Stored = Amounts<'allocated' | 'reserved' | 'spent'>

/** The debited account receives, the credited one gives. */
export const ACCOUNTS: Readonly<Record<LedgerType, { readonly to: LedgerAccount; readonly from: LedgerAccount }>> = {
  allocate: { to: 'available', from: 'funding' },
  deallocate: { to: 'funding', from: 'available' },
  grant: { to: 'reserved', from: 'available' },
  release: { to: 'available', from: 'reserved' },
  spend: { to: 'spent', from: 'reserved' },
  overrun: { to: 'spent', from: 'available' },
  adjust: { to: 'available', from: 'spent' },
}

/** M = A − V − S: what may still be granted. Negative after overruns only. */
export function available({ allocated, reserved, spent }: Stored): Microdollars {
  return minus(minus(allocated, reserved), spent)
}

/** Whether a movement changes the allocation, which makes a new version of it. */
export function changesAllocation(type: LedgerType): boolean {
  return type === 'allocate' || type === 'deallocate'
}

/** Whether the balances admit a movement: the guards of budget protocol 3.2, for an amount above 0. */
export function admits(before: Stored, type: LedgerType, amount: Microdollars): boolean {
  switch (type) {
    case 'allocate':
    case 'overrun':
      return true
    case 'deallocate':
    case 'grant':
      return available(before) >= amount
    case 'release':
    case 'spend':
      return before.reserved >= amount
    case 'adjust':
      return before.spent >= amount
  }
}

/** The balances after a movement. Exact for any balances; whether it is allowed is {@link admits}. */
export function moved(before: Stored, type: LedgerType, amount: Microdollars): Stored {
  const { allocated, reserved, spent } = before
  switch (type) {
    case 'allocate':
      return { allocated: plus(allocated, amount), reserved, spent }
    case 'deallocate':
      return { allocated: minus(allocated, amount), reserved, spent }
    case 'grant':
      return { allocated, reserved: plus(reserved, amount), spent }
    case 'release':
      return { allocated, reserved: minus(reserved, amount), spent }
    case 'spend':
      return { allocated, reserved: minus(reserved, amount), spent: plus(spent, amount) }
    case 'overrun':
      return { allocated, reserved, spent: plus(spent, amount) }
    case 'adjust':
      return { allocated, reserved, spent: minus(spent, amount) }
  }
}

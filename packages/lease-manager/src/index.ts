export { AgentBudgetManager, type AgentBudgetManagerOptions } from './agent-budget-manager.ts'
export type { BooksOptions } from './books.ts'
export { CLOCK_TOLERANCE_MS, CLOCK_WARNING } from './budget/agent-now.ts'
export type { Adjustment } from './budget/adjust-budget.ts'
export type { Balance, Balances, BalanceSum, BudgetStatus, RiskLevel } from './budget/balance.ts'
export { type Budget, budgetIdOf } from './budget/budget.ts'
export type { BudgetFilter } from './budget/budget-filter.ts'
export type { BudgetChange } from './budget/budget-history.ts'
export { ownerLock } from './budget/budget-row.ts'
export type { BudgetSummary } from './budget/budget-summary.ts'
export { BudgetRequestManager } from './budget-request-manager.ts'
export type { ApprovalOptions, BudgetApproval } from './budget-requests/approve-request.ts'
export type { BudgetRequest, BudgetRequestStatus } from './budget-requests/budget-request.ts'
export type { CancelFilter } from './budget-requests/cancel-request.ts'
export type { NewBudgetRequest } from './budget-requests/check-request.ts'
export { type ApprovalDecision, type ApprovalQuestion, decideApproval } from './budget-requests/decide-review.ts'
export type { BudgetRequestFilter } from './budget-requests/list-requests.ts'
export type { AllocationChange, AllocationOptions } from './budget/change-allocation.ts'
export {
  type AdjustmentDecision,
  type AllocationDecision,
  decideAdjustment,
  decideAllocation,
} from './budget/decide-allocation.ts'
export type { BudgetPage } from './budget/list-budgets.ts'
export { type Threshold, thresholdAmount, THRESHOLDS } from './budget/threshold.ts'
export { LeaseError, type LeaseErrorCode } from './errors.ts'
export { type EndingMessage, LEASE_ENDINGS_CHANNEL } from './lease/endings.ts'
export {
  type AgentLock,
  DEFAULT_GRANT,
  LEASE_GRACE_MS,
  LEASE_TTL_MS,
  LeaseManager,
  type LeaseManagerOptions,
  MAX_GRANT,
  MAX_OPEN_PER_AGENT,
} from './lease-manager.ts'
export type { Counted } from './lease/counted.ts'
export { decideGrant, type GrantDecision, type GrantQuestion, type GrantRoom } from './lease/decide-grant.ts'
export { decideOverdue, type LeaseTimes, type OverdueDecision } from './lease/decide-overdue.ts'
export { decideReplay, type GrantCall, type ReplayDecision } from './lease/decide-replay.ts'
export { decideReport, type ReportDecision } from './lease/decide-report.ts'
export { decideReturn, type ReturnDecision } from './lease/decide-return.ts'
export type { Grant, GrantOptions } from './lease/grant.ts'
export type { CloseReason, Lease, LeaseState, LeaseStatus, RevokeCause } from './lease/lease.ts'
export type { LeaseFilter } from './lease/read-leases.ts'
export type { Refreshed } from './lease/refresh-lease.ts'
export { BATCH_MAX, type BatchItem, type BatchOptions, type ReportItem } from './lease/report-batch.ts'
export type { ReportOptions, ReportResult, UsageReport } from './lease/report.ts'
export type { ReturnOptions, ReturnResult } from './lease/return-lease.ts'
export type { RevokedLeases } from './lease/revoke-lease.ts'
export { SWEEP_BATCH } from './lease/sweep-leases.ts'
export { Ledger, type LedgerVerifyOptions } from './ledger.ts'
export type { LedgerFilter } from './ledger/read-entries.ts'
export type { LedgerHead } from './ledger/chain-walk.ts'
export type { LedgerEntry } from './ledger/ledger-entry.ts'
export type { LedgerAccount, LedgerType } from './ledger/movement.ts'
export type { LedgerTotals } from './ledger/read-totals.ts'
export type { LedgerFault } from './ledger/soundness.ts'

export { type Act, type Actor, type ActorRef, actorIdOf, actorOf, type Change, type Make } from './actor.ts'
export { type AuditEntry, type AuditInput, ENTRY_BYTES_MAX } from './audit/entry.ts'
export type { AuditFilter } from './audit/read.ts'
export { looksSecret, redact, REDACTED } from './audit/redact.ts'
export type { AuditFault, AuditHead, AuditVerification } from './audit/verify-chain.ts'
export { verifyExport, type VerifyExportOptions } from './audit/verify-export.ts'
export { AuditLog, type AuditLogOptions, type AuditVerifyOptions } from './audit-log.ts'
export { JournalError, type JournalErrorCode } from './errors.ts'
export { EVENTS_CHANNEL } from './events/append.ts'
export { EVENT_DATA_BYTES_MAX, EVENT_TYPES, type EventType, type IronEvent, type NewEvent } from './events/event.ts'
export type { FollowOptions } from './events/follow.ts'
export { EVENTS_KEPT_MIN_MS, type PruneOptions } from './events/prune.ts'
export {
  type EventBounds,
  type EventPage,
  type EventPosition,
  EVENTS_PAGE,
  type OwnedEvent,
  type OwnedPage,
} from './events/read.ts'
export type { EventFilter } from './events/walk.ts'
export { EventLog, type EventLogOptions } from './event-log.ts'
export type { BilledCall, Call, CallFacts, CallSubject, NewCall } from './requests/call.ts'
export { checkFacts, COUNT_MAX } from './requests/check-call.ts'
export { callCosts } from './requests/costs.ts'
export type { CallFilter, CallTable } from './requests/filter.ts'
export { DAY_MS, endOf, type Grain, startOf } from './requests/grains.ts'
export { HOUR_MS, hourOf, type Progress, readProgress } from './requests/hours.ts'
export { latencyBucket, latencyBucketMs, type LatencyHistogram } from './requests/latency.ts'
export { saysTheSame } from './requests/payload-hash.ts'
export { clampedAt, hasUsage, priceCall, type PriceCallOptions, type PricedCall } from './requests/price-call.ts'
export { REQUESTS_KEPT_MIN_MS } from './requests/prune.ts'
export type { Recorded, RecordOne } from './requests/record.ts'
export { HOUR_SETTLED_MS, type RollupCheck, type RollupRange } from './requests/roll-up.ts'
export {
  ADDED_SUMS,
  type CallKey,
  type CallSums,
  callSums,
  DAY_KEY,
  HOUR_KEY,
  MODEL_KEY,
  PROVIDER_KEY,
  moneyTotalSql,
  SUBJECT_KEY,
  totalSql,
  type UsageTotals,
  usageTotalsOf,
} from './requests/sums.ts'
export { SUMMED_MICROS_MAX } from './requests/summed-money.ts'
export type { CallTelemetry, ItemResult, PiiTelemetry, TelemetryEvent } from './requests/telemetry.ts'
export { type CallSet, callSet, callsIn } from './requests/times.ts'
export type { Activity } from './requests/totals.ts'
export { INGEST_MAX, RequestLog, type RequestLogOptions } from './request-log.ts'
export { agentIsOf, OWNER_WALK_MAX, ownsMany } from './owners.ts'
export { allOf, queryPart, type SqlPart } from './sql-part.ts'

export { type CallMessage, CALLS_CHANNEL } from './calls.ts'
export { type Clock, systemClock } from './clock.ts'
export { type CommitMessage, COMMITS_CHANNEL } from './commits.ts'
export { containsText } from './contains-text.ts'
export type { Copied, CopyOptions, CopyProgress } from './copy/copy-all.ts'
export { copyDatabase } from './copy/copy-database.ts'
export { tableCounts } from './copy/table-counts.ts'
export { DatabaseError, type DatabaseErrorCode, IronError, type IronErrorOptions, isIronError } from './errors.ts'
export { Faults, ID_MAX, type TextRule } from './faults.ts'
export { IDEMPOTENCY_KEY_MAX, type IdempotencyKey, IdempotencyStore } from './idempotency-store.ts'
export { createIdSource, type IdPrefix, type IdSource, isId } from './ids.ts'
export type { IronDatabase, Pong, ReadOptions, WriteGroup, WriteOptions } from './iron-database.ts'
export { canonicalJson, type Json, type JsonObject } from './json.ts'
export { expressionBuilder, sql } from './kysely.ts'
export { type Migration, migrations } from './migrate/migrations.ts'
export { type Violation, validateSchema } from './migrate/validate-schema.ts'
export { migrate, openDatabase, type OpenOptions, recheckSchema, type ServiceOptions, verifySchema } from './open.ts'
export {
  type Cursor,
  cursorPage,
  type CursorPage,
  cursorWindow,
  type CursorWindow,
  encodeCursor,
  fewIds,
  LIMIT_DEFAULT,
  LIMIT_MAX,
  type Page,
  type Paged,
  pageSlice,
  type PageSlice,
  pageWindow,
  type PageWindow,
  PER_PAGE_DEFAULT,
  PER_PAGE_MAX,
} from './page.ts'
export {
  expiryPart,
  keptCount,
  type KeptFault,
  type PartRange,
  recomputeKeptSums,
  verifyKeptSums,
} from './kept-sums.ts'
export { lastIndexedAudit, lastIndexedEntry, lastIndexedEvent, readIndexedAndLate } from './late-indexes.ts'
export { parseSource, type Source } from './source.ts'
export { claimDatabase } from './sqlite/claim.ts'
export type {
  ActorEntriesTable,
  AgentBudgetsTable,
  AgentEventsTable,
  AgentOwnerView,
  AgentProvidersTable,
  AgentsTable,
  ApiTokenSecretsTable,
  ApiTokensTable,
  AuditLogTable,
  BudgetRequestsTable,
  BudgetSumsTable,
  EpochMs,
  EventsTable,
  Flag,
  HexHash,
  IcTokensTable,
  IdempotencyKeysTable,
  IronSchema,
  IronTables,
  IronViews,
  JsonText,
  LeaseEntriesTable,
  LeasesTable,
  LedgerEntriesTable,
  LedgerPostingsView,
  LimitCountersTable,
  LimitsTable,
  ListCountsTable,
  LogHeadsTable,
  LoginAttemptsTable,
  MetaTable,
  OwnerReservedView,
  ProviderKeysTable,
  ProvidersTable,
  RequestKeysTable,
  RequestRollupsTable,
  RequestSumsTable,
  RequestsTable,
  SchemaMigrationsTable,
  SessionsTable,
  SpansTable,
  TableName,
  TelemetryIdsTable,
  TokenOwnerView,
  UserNameView,
  UsersTable,
  ViewName,
} from './schema.ts'
export { TABLE_OWNERS, VIEW_NAMES } from './schema.ts'
export { allDone } from './all-done.ts'
export { commitBeforeRefusing, DatabaseService, type DbSource } from './service.ts'
export { runSet, setColumn, type SetForm, setRows, setSql, type SetType } from './set-form.ts'
export { HIDDEN, type Parameter, prepare, type PrepareOptions, type Statement } from './statement.ts'
export { verifyFile } from './verify-file.ts'
export type { AtTx, DeferredQueue, DialectName, InTx, PreparedQuery, ReadTx, WriteTx } from './transaction.ts'
export type { Feed, Get, List, Prune } from './methods.ts'

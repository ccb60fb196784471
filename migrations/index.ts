/**
 * The schema of Iron as one linear list of steps (data-model 9). There is no way back: restore the backup instead.
 */
export {
  AUDIT_ENTRIES_AT_ONCE,
  ENTRIES_AT_ONCE,
  EVENTS_AT_ONCE,
  expiryPart,
  kept,
  recompute,
  wrongActorEntries,
  wrongAgentEvents,
  wrongCopies,
  wrongLeaseEntries,
  wrongRanks,
  wrongTags,
} from './kept.ts'
export { steps } from './manifest.ts'
export type { AnySchema, Engine, MigrationStep } from './step.ts'

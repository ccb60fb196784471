import { type Scenario, staged } from './scenario.ts'
import { hammer } from './scenarios/hammer.ts'
import { killProcess } from './scenarios/kill-process.ts'
import { overGrant } from './scenarios/over-grant.ts'
import { postgresFaults } from './scenarios/postgres-faults.ts'
import { redisFaults } from './scenarios/redis-faults.ts'
import { soak } from './scenarios/soak.ts'
import { throughput } from './scenarios/throughput.ts'
import { upgrade } from './scenarios/upgrade.ts'

/** By the name under which `pnpm cluster` runs them. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'over-grant': staged(overGrant),
  hammer: staged(hammer),
  'postgres-faults': staged(postgresFaults),
  'redis-faults': staged(redisFaults),
  'kill-process': staged(killProcess),
  throughput,
  soak,
  upgrade,
  /** Those with a stage, on one stage. */
  all: staged(overGrant, hammer, redisFaults, killProcess, postgresFaults),
}

export { agentEnvironment, type Outcome, playOutage } from './outage.ts'
export { openStage, type Stage } from './stage.ts'

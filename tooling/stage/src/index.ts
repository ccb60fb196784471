export { END_OF_BUDGET, playEndOfBudget } from './end-of-budget.ts'
export { agentEnvironment, type Outcome, playOutage } from './outage.ts'
export { openStage, type Stage } from './stage.ts'

import { CostError } from '../src/index.ts'

/** The error a call throws; fails when it throws none of ours. */
export function refusal(call: () => unknown): CostError {
  try {
    call()
  } catch (error) {
    if (error instanceof CostError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

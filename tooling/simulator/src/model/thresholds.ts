/** Budget protocol 10, by the exact comparison S / A ≥ t / 100 that its formula stands for. */
const PERCENT = [50, 80, 90, 100] as const

function met(allocated: number, spent: number, percent: number): boolean {
  return allocated > 0 && spent * 100 >= allocated * percent
}

/** Above the mark and met, ascending. */
export function reached(allocated: number, spent: number, mark: number): number[] {
  return PERCENT.filter((percent) => percent > mark && met(allocated, spent, percent))
}

/** The highest that is met under every one of these allocations; 0 when none is. */
export function metUnder(allocations: readonly number[], spent: number): number {
  return PERCENT.findLast((percent) => allocations.every((allocated) => met(allocated, spent, percent))) ?? 0
}

import { describe, expect, jest, test } from '@jest/globals'
import { agentNow, CLOCK_TOLERANCE_MS, CLOCK_WARNING, warnOfClock } from '../../src/budget/agent-now.ts'

const clock = { now: () => 1_000_000 }

describe("the agent's time (budget protocol 11.2)", () => {
  test('MON-21 a clock that stepped back a little does not move it back', () => {
    expect(agentNow(clock, 999_999)).toBe(1_000_000)
    expect(agentNow(clock, 1_000_000)).toBe(1_000_000)
    expect(agentNow(clock, 1_000_001)).toBe(1_000_001)
    expect(agentNow(clock, 1_000_000 + CLOCK_TOLERANCE_MS)).toBe(1_000_000 + CLOCK_TOLERANCE_MS)
  })

  test('further back the clock wins, and the process is warned', () => {
    expect(agentNow(clock, 1_000_001 + CLOCK_TOLERANCE_MS)).toBe(1_000_000)
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    warnOfClock(clock, 'agent-7', 1_000_000 + CLOCK_TOLERANCE_MS)
    expect(warn).not.toHaveBeenCalled()
    warnOfClock(clock, 'agent-7', 1_000_001 + CLOCK_TOLERANCE_MS)
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('agent-7'), { code: CLOCK_WARNING })
    warn.mockRestore()
  })
})

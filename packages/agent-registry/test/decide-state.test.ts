import { describe, expect, test } from '@jest/globals'
import type { AgentState, DesiredState } from '../src/agent.ts'
import { AGENT_STATES } from '../src/agent.ts'
import { decideReported, decideResume, decideSilent, decideStop } from '../src/agents/decide-state.ts'

const DESIRED: readonly DesiredState[] = ['running', 'stopped']
const pairs = AGENT_STATES.flatMap((state) => DESIRED.map((desired) => ({ state, desired })))

describe('decisions about the state of an agent', () => {
  test('a stop order changes everything but an agent that stands and is told to stand', () => {
    const unchanged = pairs.filter((now) => decideStop(now) === 'unchanged')
    expect(unchanged).toEqual([{ state: 'stopped', desired: 'stopped' }])
  })

  test('only a stop order is taken back', () => {
    const resumed = pairs.filter((now) => decideResume(now) === 'resume')
    expect(resumed).toEqual(AGENT_STATES.map((state) => ({ state, desired: 'stopped' })))
  })

  const reported: readonly [desired: DesiredState, state: AgentState, says: AgentState, decision: string][] = [
    ['running', 'idle', 'running', 'change'],
    ['running', 'failed', 'running', 'change'],
    ['running', 'running', 'running', 'unchanged'],
    ['running', 'running', 'stopped', 'change'],
    ['stopped', 'stopped', 'running', 'refused'],
    ['stopped', 'stopped', 'idle', 'refused'],
    ['stopped', 'stopped', 'stopped', 'unchanged'],
    ['stopped', 'stopped', 'failed', 'change'],
    ['stopped', 'failed', 'stopped', 'change'],
    ['stopped', 'idle', 'idle', 'refused'],
  ]
  test.each(reported)('told to be %s and %s, a runtime that says %s: %s', (desired, state, says, decision) => {
    expect(decideReported({ state, desired }, says)).toBe(decision)
  })

  test('EVT-19 silence is for running agents and exact to the millisecond', () => {
    const at = (state: AgentState, silentMs: number) =>
      decideSilent({ state, lastSeenAt: 1_000 }, 1_000 + silentMs, 90_000)
    expect([at('running', 89_999), at('running', 90_000), at('running', -5)]).toEqual(['alive', 'silent', 'alive'])
    for (const state of ['idle', 'stopped', 'failed'] as const) expect(at(state, 10 ** 9)).toBe('alive')
  })
})

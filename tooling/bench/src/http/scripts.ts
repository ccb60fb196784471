/** What runtimes send: one report after the other, batches of them, or a lease and its return. */
import type { Script } from '../load.ts'
import { roundRobin } from '../micro.ts'
import type { Runtime } from './subject.ts'

export const REPORT = '/api/v1/budget/report'
export const BATCH = '/api/v1/budget/report/batch'
export const HANDSHAKE = '/api/v1/budget/handshake'
export const RETURN = '/api/v1/budget/return'
export const REPORTS_OF_BATCH = 100

let calls = 0
function report(lease: string) {
  calls += 1
  return {
    lease_id: lease,
    request_id: `call-${process.pid}-${calls}`,
    model: 'gpt-4o',
    input_tokens: 1_200,
    output_tokens: 310,
    cost_usd: 0.000123,
  }
}

/** Each connection is the next runtime. */
export function reports(runtimes: readonly Runtime[]): () => Script {
  const next = roundRobin(runtimes)
  return () => {
    const { headers, lease } = next()
    return () => ({ path: REPORT, body: JSON.stringify(report(lease)), headers })
  }
}

export function batches(runtimes: readonly Runtime[]): () => Script {
  const next = roundRobin(runtimes)
  return () => {
    const { headers, lease } = next()
    return () => {
      const body = JSON.stringify({ reports: Array.from({ length: REPORTS_OF_BATCH }, () => report(lease)) })
      return { path: BATCH, body, headers }
    }
  }
}

export function pairs(runtimes: readonly Runtime[]): () => Script {
  const next = roundRobin(runtimes)
  return () => {
    const { headers, lease } = next()
    let isGranted = false
    return (previous) => {
      isGranted = !isGranted
      if (isGranted) return { path: HANDSHAKE, body: '{"requested_usd":1}', headers }
      const granted = (JSON.parse(previous ?? '{}') as { lease_id?: string }).lease_id ?? lease
      return { path: RETURN, body: JSON.stringify({ lease_id: granted, spent_usd: 0 }), headers }
    }
  }
}

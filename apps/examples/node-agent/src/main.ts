/** Makes a number of LLM calls on the budget of one agent. SIGTERM and SIGINT end it between two calls, with everything told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentRuntime } from './runtime.ts'

const {
  IRON_URL = 'http://127.0.0.1:3000',
  IC_TOKEN,
  JOURNAL = './journal',
  CALLS = '14',
  LEASE_USD = '0.02',
} = process.env
if (IC_TOKEN === undefined) {
  console.error('IC_TOKEN: the token of the agent that pays')
  process.exit(2)
}
/** Between two calls, in milliseconds. */
const PAUSE_MS = 50

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())

const runtime = new AgentRuntime({
  address: IRON_URL,
  icToken: IC_TOKEN,
  journal: JOURNAL,
  leaseUsd: Number(LEASE_USD),
})
try {
  for (let call = 1; call <= Number(CALLS) && !stopping.signal.aborted; call += 1) {
    const messages = [{ role: 'user', content: `Question ${call}: where did the money go?` }] as const
    const { text } = await runtime.call({ model: 'gpt-4o', messages, max_tokens: 400 })
    const { leaseId, spentUsd, waiting } = runtime.status
    console.log(`call ${call}  "${text}"  ${spentUsd} USD of ${String(leaseId).slice(0, 14)}…  ${waiting} to report`)
    await sleep(PAUSE_MS)
  }
} finally {
  await runtime.stop()
}
console.log(`done  ${runtime.status.waiting} to report`)

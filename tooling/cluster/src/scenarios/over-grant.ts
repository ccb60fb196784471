/** Many grants at once on one agent through all processes: never more than there is, and no refusal but the two that say so (CON-08, CON-11). */
import { randomUUID } from 'node:crypto'
import { type Answer, Client } from '../client.ts'
import { rowsOf, SETTINGS } from '../installation.ts'
import { type Agent, createAgent, createPopulation } from '../population.ts'
import { hold, type Play, type Stage, type Setting, sleep } from '../scenario.ts'
import { requireSound } from '../sound.ts'
import { Tally } from '../tally.ts'

const SIZES = { short: { grants: 150, runs: 2 }, full: { grants: 1_000, runs: 20 } }
/** Leases an agent may hold: in every other run this is what ends the granting. */
const CAP_SHARE = 0.6

const capOf = (size: Setting['size']): number => Math.round(SIZES[size].grants * CAP_SHARE)

export const overGrant: Play = {
  env: (size) => ({ IRON_LEASES_MAX: String(capOf(size)) }),
  perform,
}

async function perform({ cluster }: Stage, { size, say }: Setting): Promise<void> {
  const { grants, runs } = SIZES[size]
  const cap = capOf(size)
  say(`over-grant: ${grants} grants at once on one agent through 3 processes; ${SETTINGS}, but ${cap} leases`)
  using client = new Client(cluster.address, grants)
  const { admin, providerId } = await createPopulation(client, 0, 1)
  const tally = new Tally()
  for (let run = 1; run <= runs; run += 1) {
    // 1 to 3 USD each: half of them use up the smaller allocation, the cap ends the larger one.
    const allocatedUsd = run % 2 === 0 ? grants * 10 : grants
    const agent = await createAgent(client, admin, providerId, allocatedUsd)
    const began = performance.now()
    const answers = await Promise.all(
      Array.from({ length: grants }, (_, index) => borrow(client, agent, 1 + (index % 3), tally)),
    )
    const tookMs = performance.now() - began
    const granted = answers.filter(({ status }) => status === 200)
    const grantedUsd = granted.reduce((sum, { body }) => sum + Number(body['granted_usd']), 0)
    const others = tally.others('200', '403 BUDGET_EXCEEDED', '409 LEASE_CAP_REACHED', BUSY)
    hold(others.length === 0, `run ${run}: refusals other than for want of money or leases: ${others.join(', ')}`)
    hold(grantedUsd <= allocatedUsd, `run ${run}: granted ${grantedUsd} of ${allocatedUsd} USD`)
    hold(granted.length <= cap, `run ${run}: ${granted.length} leases, ${cap} allowed`)
    hold(
      grantedUsd === allocatedUsd || granted.length === cap,
      `run ${run}: refused although ${allocatedUsd - grantedUsd} USD and ${cap - granted.length} leases were left`,
    )
    const [budget] = await rowsOf<{ reserved_micros: string }>(
      cluster.databaseUrl,
      'SELECT reserved_micros FROM agent_budgets WHERE agent_id = $1',
      [agent.id],
    )
    hold(Number(budget?.reserved_micros) === grantedUsd * 1e6, `run ${run}: reserved is not what was granted`)
    say(`  run ${run}: ${granted.length} leases for ${grantedUsd} of ${allocatedUsd} USD in ${Math.round(tookMs)} ms`)
  }
  await requireSound(cluster)
  say(`  ${String(tally)}; every ledger verifies`)
}

/** What a machine answers that cannot serve a thousand grants within their 10 s: no refusal, the call is to be made again. */
const BUSY = '503 SERVICE_UNAVAILABLE'

/** Asks until it is answered yes or no; a repeat has the key of the first call, so that it borrows once. */
async function borrow(client: Client, agent: Agent, requestedUsd: number, tally: Tally): Promise<Answer> {
  const headers = { ...agent.runtime, 'Idempotency-Key': randomUUID() }
  for (;;) {
    const answer = await client.call('POST', '/budget/handshake', { requested_usd: requestedUsd }, headers)
    tally.note(answer)
    if (answer.status !== 503) return answer
    await sleep(Number(answer.headers['retry-after'] ?? 1) * 1_000)
  }
}

/** The state of the model in the words of {@link State}. */
import type { State } from '../world/stored.ts'
import type { WorldModel } from './world.ts'

export function expectedState(world: WorldModel): State {
  const budgets: string[] = []
  const leases: string[] = []
  for (const agent of world.agents.values()) {
    const { id, ownerId, allocated, reserved, spent, version, seq, mark, archived } = agent
    budgets.push(`${id} ${ownerId} ${allocated} ${reserved} ${spent} v${version} ${seq} ${mark} ${Number(archived)}`)
    for (const lease of agent.leases.values()) {
      const { status, reason, granted, overrun, released, unreported, expiresAt, returned } = lease
      leases.push(
        `${lease.id} ${id} ${status} ${reason ?? '-'} ${granted} ${lease.spent} ${overrun} ${released} ${unreported} ` +
          `${expiresAt} ${Number(returned !== null)}`,
      )
    }
  }
  const counters = [...world.owners.values()].flatMap(({ id, counters }) =>
    [...counters].map(([key, used]) => `${id} ${key} ${used}`),
  )
  const requests = [...world.requests].map(([id, { status }]) => `${id} ${status}`)
  return { budgets: budgets.sort(), leases: leases.sort(), counters: counters.sort(), requests: requests.sort() }
}

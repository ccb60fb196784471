import { refusal, verifyCredential } from '../http/authenticate.ts'
import { ApiError } from '../http/errors.ts'
import type { Principal } from '../http/principal.ts'
import type { Services } from '../services.ts'
import type { Connection } from './connection.ts'

/** Credentials that are looked at side by side. */
const AT_ONCE = 16

/**
 * Looks at the credentials of open connections again, each once however many connections it has, and tells them what it found.
 * A database that does not answer refuses nobody; it has no events either.
 */
export async function recheckAll(services: Services, connections: Iterable<Connection>): Promise<void> {
  const groups = [...groupByCredential(connections).values()]
  const worker = async (): Promise<void> => {
    for (let group = groups.pop(); group !== undefined; group = groups.pop()) await recheckGroup(services, group)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function recheckGroup(services: Services, group: readonly Connection[]): Promise<void> {
  const [first] = group
  if (first?.login === undefined) return
  const { credential, reader } = first.login
  const wasHeard = group.filter((connection) => connection.takeSignOfLife()).length > 0
  try {
    const principal = await verifyCredential(services, credential, first.context, wasHeard)
    for (const connection of group)
      if (connection.login?.credential.token === credential.token) connection.recheck(principal)
  } catch (error) {
    if (!(error instanceof ApiError)) return
    const reason = await reasonOf(services, reader.principal, error)
    for (const connection of group) {
      if (connection.login?.credential.token === credential.token) connection.refuse(reason)
    }
  }
}

/** A suspension ends the sessions, but it is the suspension that a client should hear of (websocket.md 2). */
async function reasonOf(services: Services, principal: Principal, error: ApiError): Promise<ApiError> {
  if (error.code !== 'TOKEN_REVOKED' || principal.kind !== 'session') return error
  const user = await services.users.getUser(principal.userId)
  return user?.status === 'suspended' ? refusal({ outcome: 'refused', code: 'ACCOUNT_SUSPENDED' }) : error
}

/** By credential and address, because a token may be good for some addresses only. */
function groupByCredential(connections: Iterable<Connection>): Map<string, Connection[]> {
  const groups = new Map<string, Connection[]>()
  for (const connection of connections) {
    const { login, context } = connection
    if (login === undefined) continue
    const key = `${context.ip} ${login.credential.token}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [connection])
    else group.push(connection)
  }
  return groups
}

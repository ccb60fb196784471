import type { IncomingMessage } from 'node:http'
import { isIP, SocketAddress } from 'node:net'
import type { IdSource } from '@iron/database'
import { safeText } from '../observability/logger.ts'

/** What every part of a request's handling may want to record. */
export interface RequestContext {
  readonly requestId: string
  /** The client's address: the TCP peer, or what a believed proxy says. */
  readonly ip: string
  readonly userAgent: string | undefined
  /** Who asks, for the log: known once the credential has been checked. */
  principal: string | undefined
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/
/** An IPv4-mapped IPv6 address in its canonical form. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/
/** Code points of a user agent that are kept (data-model 3.7). */
const USER_AGENT_MAX = 500

/**
 * Reads who asks. A caller's request id is taken only in a safe shape (OPS-12), and not when it looks like a credential: it is
 * answered, logged, traced and audited. So is the user agent, in which such a text is masked (OPS-16).
 */
export function requestContext(request: IncomingMessage, ids: IdSource, trustedProxies: number): RequestContext {
  const given = request.headers['x-request-id']
  const isSafe = typeof given === 'string' && REQUEST_ID.test(given) && safeText(given) === given
  const requestId = isSafe ? given : newRequestId(ids)
  const agent = request.headers['user-agent']
  const userAgent = agent === undefined ? undefined : safeText(agent).slice(0, USER_AGENT_MAX)
  return { requestId, ip: clientAddress(request, trustedProxies), userAgent, principal: undefined }
}

/** Request ids are bare UUIDv7 (http-api 1.2). */
export function newRequestId(ids: IdSource): string {
  return ids.next('evt').slice('evt_'.length)
}

/** Believes the last `trustedProxies` hops of X-Forwarded-For, and no others (AUT-14). */
function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const peer = plain(request.socket.remoteAddress ?? '')
  if (trustedProxies === 0) return peer
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((hop) => plain(hop.trim()))
    .filter((hop) => hop !== '')
  const client = [...forwarded, peer].at(-1 - trustedProxies) ?? forwarded[0] ?? peer
  return isIP(client) === 0 ? peer : client
}

/** Without a zone (`%eth0`), and an IPv4 address is not written as IPv6: one client has one address. */
function plain(given: string): string {
  const address = given.replace(/%.*$/s, '')
  if (isIP(address) !== 6) return address
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  return MAPPED.exec(canonical)?.[1] ?? canonical
}

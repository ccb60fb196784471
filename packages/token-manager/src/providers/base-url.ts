/**
 * Which addresses a provider may have (VAL-15): https, http for this machine only, nothing that carries credentials, and none
 * of the addresses at which clouds hand out credentials of their own. Names are not resolved: this catches mistakes
 * and the obvious, the network is the host's to guard.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { Faults } from '@iron/database'

/** Bounds in code points (data-model 3.3). */
const URL_MIN = 8
const URL_MAX = 2_000

/** Metadata services that are not link-local: AWS over IPv6, Alibaba, Oracle, Google's and Azure's names. */
const METADATA_HOSTS = new Set([
  'fd00:ec2::254',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'metadata.google.internal',
  'metadata.goog',
  'metadata',
  'instance-data',
  'instance-data.ec2.internal',
])

/** A base URL within the rules. A query may be part of one (`?api-version=`); what is no part of a request may not. */
export function checkBaseUrl(faults: Faults, path: string, value: unknown): void {
  faults.text(path, value, { min: URL_MIN, max: URL_MAX })
  if (typeof value !== 'string') return
  const url = URL.parse(value)
  if (url === null || !/^https?:\/\/[^/\\]/i.test(value)) {
    faults.add(path, 'must be an https URL')
    return
  }
  const host = plainHost(url.hostname)
  faults.check(!/[\s#]/.test(value), path, 'must not contain white space or a fragment')
  faults.check(url.username === '' && url.password === '', path, 'must not contain credentials')
  faults.check(!isMetadata(host), path, 'must not be a link-local or metadata address')
  faults.check(url.protocol === 'https:' || isLoopback(host), path, 'must be https (http for loopback only)')
}

/** The host without brackets and trailing dots; an IPv6 address that wraps an IPv4 one becomes that (RFC 4291, RFC 6052). */
function plainHost(hostname: string): string {
  const host = hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/(?<!\.)\.+$/, '')
  const wrapped = /^(?:::ffff:|::ffff:0:|64:ff9b::|::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)
  if (!isIPv6(host) || wrapped === null) return host
  const high = parseInt(wrapped[1] as string, 16)
  const low = parseInt(wrapped[2] as string, 16)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function isMetadata(host: string): boolean {
  if (METADATA_HOSTS.has(host)) return true
  if (isIPv4(host)) return host.startsWith('169.254.')
  return isIPv6(host) && /^fe[89ab][0-9a-f]:/.test(host)
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
  )
}

/**
 * The addresses an API token may be used from: single addresses and CIDR ranges, IPv4 and IPv6. An IPv4 address written as
 * IPv6 (`::ffff:192.0.2.1`, as dual-stack sockets report it) is the IPv4 address, in the list and on the wire.
 */
import { BlockList, isIP, SocketAddress } from 'node:net'

interface Address {
  readonly text: string
  readonly family: 'ipv4' | 'ipv6'
}

interface Range extends Address {
  readonly prefix: number
}

/** Bits of an address. */
const BITS = { ipv4: 32, ipv6: 128 } as const
/** Bits before the IPv4 address in an IPv4-mapped one. */
const MAPPED_BITS = 96
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/
const PREFIX = /^(?:0|[1-9]\d{0,2})$/

/** Whether a text is an address or a CIDR range. Host bits may be set; zones (`%eth0`) are refused. */
export function isAddressRange(text: unknown): text is string {
  return typeof text === 'string' && rangeOf(text) !== undefined
}

/** Tells whether an address may use a token. An empty list admits every address, a list no unknown one. */
export function addressTest(allowed: readonly string[]): (address: string | undefined) => boolean {
  if (allowed.length === 0) return () => true
  const ranges = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of allowed) {
    const range = rangeOf(text)
    if (range !== undefined) ranges[range.family].addSubnet(range.text, range.prefix, range.family)
  }
  return (given) => {
    // The zone says through which interface an address is reached, not which one it is.
    const address = given === undefined ? undefined : addressOf(given.replace(/%.*$/s, ''))
    return address !== undefined && ranges[address.family].check(address.text, address.family)
  }
}

function rangeOf(text: string): Range | undefined {
  const [given = '', prefix, more] = text.split('/', 3)
  const address = given.includes('%') ? undefined : addressOf(given)
  if (address === undefined || more !== undefined) return undefined
  if (prefix === undefined) return { ...address, prefix: BITS[address.family] }
  if (!PREFIX.test(prefix)) return undefined
  const isMapped = address.family === 'ipv4' && given.includes(':')
  const bits = Number(prefix) - (isMapped ? MAPPED_BITS : 0)
  return bits < 0 || bits > BITS[address.family] ? undefined : { ...address, prefix: bits }
}

function addressOf(text: string): Address | undefined {
  const version = isIP(text)
  if (version === 0) return undefined
  if (version === 4) return { text, family: 'ipv4' }
  const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address
  const mapped = MAPPED.exec(canonical)?.[1]
  return mapped === undefined ? { text: canonical, family: 'ipv6' } : { text: mapped, family: 'ipv4' }
}

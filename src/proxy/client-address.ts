/**
 * Whom a request came from, when trusted proxies stand in between: nginx's
 * set_real_ip_from, real_ip_header and real_ip_recursive. Pure, and judged per
 * request, not per connection.
 *
 * Only a trusted peer is believed. The header is read from the right: the last
 * entry was written by the peer itself, the one before by the proxy before it, and
 * so on; the first address that is not trusted is the client.
 */
import { isNamed, type RawHeaders } from '../http1/message.ts'
import { formatAddress, isMapped, parseAddress, parseAddressAndPort, parseIPv4, type Address } from './ip-address.ts'

/** Peers that are believed, and how far. */
export interface TrustedRanges {
  readonly ranges: readonly Range[]
  /** Whether trusted entries of the header are passed over. nginx: real_ip_recursive. */
  readonly recursive: boolean
}

interface Range {
  readonly base: Address
  readonly bits: number
}

/**
 * @param cidrs - `10.0.0.0/8`, `192.168.1.1`, `fd00::/8`. Bits behind the prefix are ignored, as in nginx.
 * @throws SyntaxError naming the entry that is not a range.
 */
export function compileTrusted (cidrs: readonly string[], recursive: boolean): TrustedRanges {
  return { ranges: cidrs.map(parseRange), recursive }
}

function parseRange (cidr: string): Range {
  const slash = cidr.indexOf('/')
  const base = parseAddress(slash === -1 ? cidr : cidr.slice(0, slash))
  const prefix = slash === -1 ? '' : cidr.slice(slash + 1)
  const bits = slash === -1 && base !== null ? base.length * 8 : Number(prefix)
  if (base === null || (slash !== -1 && !/^[0-9]{1,3}$/.test(prefix)) || bits > base.length * 8) {
    throw new SyntaxError(`"${cidr}" is not an address range such as 10.0.0.0/8`)
  }
  return { base, bits }
}

/**
 * The client's address, as nginx's `$remote_addr` has it.
 *
 * @param peer - As the socket has it. IPv4 on a dual-stack listener (`::ffff:1.2.3.4`) is taken and printed as IPv4.
 * @param forwardedFor - The header's lines, in order: see `forwardedLines`.
 */
export function clientAddress (peer: string, forwardedFor: readonly string[], trusted: TrustedRanges): string {
  const start = plainPeer(peer)
  if (forwardedFor.length === 0 || trusted.ranges.length === 0) return start
  let current = parseAddress(start)
  if (current === null || !isTrusted(current, trusted)) return start

  let found = false
  const first = trusted.recursive ? 0 : forwardedFor.length - 1
  for (let i = forwardedFor.length - 1; i >= first; i--) {
    const walk = walkLine(forwardedFor[i] as string, current, trusted)
    if (walk.reached !== null) {
      current = walk.reached
      found = true
    }
    if (!walk.goOn) break
  }
  return found ? formatAddress(current) : start
}

/**
 * What the connections of a peer are counted under: its address, of IPv6 the /64 that
 * one client has for itself. `null`: it is trusted to speak for many.
 */
export function addressKey (peer: string, trusted: TrustedRanges): string | null {
  const address = parseAddress(plainPeer(peer))
  if (address === null || isTrusted(address, trusted)) return null
  return formatAddress(address.length === 16 ? Uint8Array.from(address, (byte, i) => i < 8 ? byte : 0) : address)
}

/**
 * One header line, from its right end, as far as the chain of trust reaches.
 * `reached`: the last address read, `null` if none was; `goOn`: the line ended before the chain did.
 */
function walkLine (line: string, from: Address, trusted: TrustedRanges): { reached: Address | null, goOn: boolean } {
  let current = from
  let reached: Address | null = null
  let end = line.length
  do {
    if (!isTrusted(current, trusted)) return { reached, goOn: false }

    while (end > 0 && isSeparator(line.charCodeAt(end - 1))) end--
    let start = Math.max(end - 1, 0)
    // As in nginx the first byte is not looked at: a lone `,1.2.3.4` does not parse.
    while (start > 0 && !isSeparator(line.charCodeAt(start))) start--
    if (start > 0) start++

    const address = parseAddressAndPort(line.slice(start, end))
    if (address === null) return { reached, goOn: false }
    current = address
    reached = address
    end = start - 1
    if (start === 0) break
  } while (trusted.recursive)
  return { reached, goOn: true }
}

/** Space or comma; a tab is part of an entry. */
function isSeparator (code: number): boolean {
  return code === 0x20 || code === 0x2c
}

function isTrusted (address: Address, { ranges }: TrustedRanges): boolean {
  const compared = isMapped(address) ? address.subarray(12) : address
  for (const range of ranges) {
    if (range.base.length === compared.length && contains(range, compared)) return true
  }
  return false
}

function contains ({ base, bits }: Range, address: Address): boolean {
  let i = 0
  for (; i < bits >> 3; i++) {
    if (base[i] !== address[i]) return false
  }
  const rest = 8 - (bits & 7)
  return rest === 8 || (base[i] as number) >> rest === (address[i] as number) >> rest
}

/** The peer's address without the dress a dual-stack socket puts on it: no `::ffff:`, no zone. */
function plainPeer (peer: string): string {
  if (peer.startsWith('::ffff:') && parseIPv4(peer.slice(7)) !== null) return peer.slice(7)
  const zone = peer.indexOf('%')
  return zone === -1 ? peer : peer.slice(0, zone)
}

/**
 * The lines that count: every one of `X-Forwarded-For`, only the first of any other header, as in nginx.
 *
 * @param name - Lower case.
 */
export function forwardedLines (headers: RawHeaders, name: string): string[] {
  const lines: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    if (!isNamed(headers[i] as string, name)) continue
    lines.push(headers[i + 1] as string)
    if (name !== 'x-forwarded-for') break
  }
  return lines
}

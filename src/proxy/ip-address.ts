/**
 * IP addresses as nginx reads, compares and prints them (ngx_inet.c of 1.22), quirks
 * included: what it takes for an address decides how far a client can choose its own.
 */

/** Four bytes of an IPv4 address or sixteen of an IPv6 address. */
export type Address = Uint8Array

/** A dotted quad. As in nginx an octet may be empty, and 255.255.255.255 is none. */
export function parseIPv4 (text: string): Address | null {
  const bytes = new Uint8Array(4)
  let octet = 0
  let n = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x30 && code <= 0x39) {
      octet = octet * 10 + code - 0x30
      if (octet > 255) return null
    } else if (code === 0x2e && n < 3) {
      bytes[n++] = octet
      octet = 0
    } else {
      return null
    }
  }
  if (n !== 3) return null
  bytes[3] = octet
  return (bytes[0] as number) + (bytes[1] as number) + (bytes[2] as number) + octet === 4 * 255 ? null : bytes
}

/** An IPv6 address without brackets or zone; the last four bytes may be a dotted quad. */
export function parseIPv6 (text: string): Address | null {
  const bytes = new Uint8Array(16)
  let length = 0
  /** Where `::` stands for zeros. */
  let gap = -1
  let groupStart = -1
  let digits = 0
  let word = 0

  if (text === '') return null
  let i = text.startsWith(':') ? 1 : 0
  for (; i < text.length; i++) {
    const char = text.charAt(i)
    if (char === ':') {
      groupStart = i + 1
      if (digits > 0) {
        if (length === 14) return null
        bytes[length++] = word >> 8
        bytes[length++] = word & 0xff
        digits = 0
        word = 0
      } else if (gap === -1) {
        gap = length
      } else {
        return null
      }
      continue
    }
    if (char === '.' && digits > 0) {
      if (length > 12 || groupStart === -1) return null
      const quad = parseIPv4(text.slice(groupStart))
      if (quad === null) return null
      bytes[length++] = quad[0] as number
      bytes[length++] = quad[1] as number
      word = (quad[2] as number) << 8 | (quad[3] as number)
      break
    }
    const digit = hexDigit(text.charCodeAt(i))
    if (digit < 0 || ++digits > 4) return null
    word = word << 4 | digit
  }

  if (digits === 0 && gap === -1) return null
  bytes[length++] = word >> 8
  bytes[length++] = word & 0xff
  if (length === 16) return gap === -1 ? bytes : null
  if (gap === -1) return null
  bytes.copyWithin(16 - length + gap, gap, length)
  bytes.fill(0, gap, 16 - length + gap)
  return bytes
}

function hexDigit (code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

export function parseAddress (text: string): Address | null {
  return parseIPv4(text) ?? parseIPv6(text)
}

/** `a.b.c.d`, `v6`, `a.b.c.d:port` or `[v6]:port`; the port is dropped. nginx: ngx_parse_addr_port. */
export function parseAddressAndPort (text: string): Address | null {
  const plain = parseAddress(text)
  if (plain !== null) return plain

  const colon = text.startsWith('[') ? text.indexOf(']') + 1 : text.indexOf(':')
  if (colon <= 0 || text[colon] !== ':') return null
  const port = text.slice(colon + 1)
  if (!/^[0-9]+$/.test(port) || Number(port) < 1 || Number(port) > 65535) return null
  return parseAddress(text.startsWith('[') ? text.slice(1, colon - 1) : text.slice(0, colon))
}

/** Whether it is an IPv4 address written as IPv6, `::ffff:a.b.c.d`. */
export function isMapped (address: Address): boolean {
  if (address.length !== 16 || address[10] !== 0xff || address[11] !== 0xff) return false
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false
  return true
}

export function formatAddress (address: Address): string {
  return address.length === 4 ? address.join('.') : formatIPv6(address)
}

/** nginx's spelling of an IPv6 address. nginx: ngx_inet6_ntop. */
function formatIPv6 (bytes: Address): string {
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] as number) << 8 | (bytes[2 * i + 1] as number))
  const { start, length } = longestZeroRun(words)
  const dotted = start === 0 && (
    (length === 5 && words[5] === 0xffff) ||
    length === 6 ||
    (length === 7 && bytes[14] !== 0 && bytes[15] !== 1))

  let text = start === 0 ? ':' : ''
  for (let i = 0; i < (dotted ? 6 : 8); i++) {
    if (i === start) {
      text += ':'
      i += length - 1
      continue
    }
    text += (words[i] as number).toString(16)
    if (i < 7) text += ':'
  }
  return dotted ? text + bytes.subarray(12).join('.') : text
}

/** The first of the longest runs of two zero words or more; `start` is -1 without one. */
function longestZeroRun (words: readonly number[]): { start: number, length: number } {
  let best = { start: -1, length: 1 }
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== 0) continue
    let end = i
    while (words[end] === 0) end++
    if (end - i > best.length) best = { start: i, length: end - i }
    i = end
  }
  return best
}

/** Scalars that say where something is: hosts, servers, ranges of addresses, the endpoint. */
import { isIP, isIPv6 } from 'node:net'
import type { ServerAddress } from '../config.ts'
import { text } from './scalars.ts'
import type { Reading, ScalarType } from './types.ts'

const NAME = '[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?'

/** An address to listen on, without brackets. */
export const listenHost: ScalarType<string> = {
  kind: 'scalar',
  name: 'address',
  expects: 'an address such as 127.0.0.1, :: or localhost',
  json: [{ type: 'string', pattern: `^(?:${NAME}|[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?)$` }],
  read: ({ text }) => {
    if (isIP(text) !== 0 || (new RegExp(`^${NAME}$`).test(text) && !/^[0-9.]+$/.test(text))) return { value: text }
    if (text === '*') return { hint: 'write "::" for every address' }
    const bare = text.replace(/^\[(.*)\]$/, '$1')
    return { hint: bare !== text && isIPv6(bare) ? `write "${bare}" without brackets` : null }
  }
}

/** `host:port`, `[v6]:port`; port 80 when none is written. */
export const server: ScalarType<ServerAddress> = {
  kind: 'scalar',
  name: 'host:port',
  expects: 'a server such as relay:3000 or [::1]:3000',
  json: [{ type: 'string', pattern: `^(?:${NAME}|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$` }],
  read: ({ text }) => {
    const url = /^https?:\/\/([^/]+)\/?/.exec(text)
    if (url !== null) return { hint: `write ${url[1] ?? ''}; upstreams are spoken to in plain HTTP` }
    if (text.startsWith('unix:')) return { hint: 'Unix sockets are not supported' }
    if (isIPv6(text)) return { hint: `write "[${text}]"` }
    return readServer(text)
  }
}

function readServer (written: string): Reading<ServerAddress> {
  const match = new RegExp(`^(?:(${NAME})|\\[([0-9A-Fa-f:.]+)\\])(?::([0-9]{1,5}))?$`).exec(written)
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3] ?? 80)
  if (host === '' || (match?.[2] !== undefined && !isIPv6(host))) return { hint: null }
  if (/^[0-9.]+$/.test(host) && isIP(host) === 0) return { hint: null }
  return port < 1 || port > 65_535 ? { hint: 'a port is a number from 1 to 65535' } : { value: { host, port } }
}

/** A range of addresses in CIDR form; a single address is a range of one. nginx: set_real_ip_from. */
export const addressRange: ScalarType<string> = {
  kind: 'scalar',
  name: 'CIDR range',
  expects: 'a range of addresses such as 10.0.0.0/8',
  json: [{ type: 'string', pattern: '^[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?$' }],
  read: ({ text }) => {
    const [address = '', bits, ...more] = text.split('/')
    const version = isIP(address)
    if (version === 0 || address.includes('%') || more.length > 0) return { hint: null }
    const most = version === 4 ? 32 : 128
    if (bits === undefined) return { value: `${address}/${most}` }
    if (!/^[0-9]{1,3}$/.test(bits)) return { hint: `write ${address}/ and the number of leading bits` }
    return Number(bits) > most ? { hint: `the number after / is at most ${most}` } : { value: text }
  }
}

/** Scheme, host and port; nothing after them. */
export const endpointUrl: ScalarType<URL> = {
  kind: 'scalar',
  name: 'origin',
  expects: 'an origin such as https://rum.example.com',
  // A user name in it would be a secret.
  secret: true,
  json: [{ type: 'string', pattern: '^https?://[^/?#@\\s]+/?$' }],
  read: ({ text }) => {
    if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { hint: 'put https:// (or http://) in front of the host name' }
    const url = URL.parse(text)
    if (url === null || /\s/.test(text)) return { hint: null }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return { hint: 'the scheme is https or http' }
    if (url.username !== '' || url.password !== '') return { hint: 'remove the user name and password' }
    if (url.pathname !== '/') return { hint: 'the path goes into mirror.default or mirror.projects' }
    if (/[?#]/.test(text)) return { hint: 'remove everything from ? or # on' }
    if (!new RegExp(`^(?:${NAME}\\.?|\\[[0-9a-f:.]+\\])$`).test(url.hostname)) return { hint: 'a host name has letters, digits, "-", "_" and "."' }
    return url.port === '0' ? { hint: 'a port is a number from 1 to 65535' } : { value: url }
  }
}

export const hostHeader = text({
  name: 'host',
  expects: 'a host name such as rum.example.com, with :port if it needs one',
  pattern: `^(?:${NAME}|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$`,
  hint: written => written.includes('://') ? 'remove the scheme' : null
})

export const hostName = text({
  name: 'host name',
  expects: 'a host name such as router.example.com',
  pattern: `^${NAME}$`,
  lowerCase: true,
  hint: written => written.includes('://') ? 'remove the scheme' : written.includes(':') ? 'remove the port' : null
})

export const upstreamName = text({
  name: 'name of an upstream',
  expects: 'a name of letters, digits, "-", "_" and "."',
  pattern: '^(?!ui$)[A-Za-z0-9][A-Za-z0-9._-]*$',
  hint: written => written === 'ui' ? '"ui" stands for the upstream of the listener; choose another name' : null
})

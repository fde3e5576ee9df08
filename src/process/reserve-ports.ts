/** Makes sure, before any process listens, that the ports can be had: by us, and by nobody else. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Config, ListenerConfig } from '../config/config.ts'

/**
 * The configuration with the ports and hosts that its listeners really get: port 0
 * becomes a free one, `::` becomes `0.0.0.0` on a machine without IPv6, for the admin
 * listener too.
 *
 * Processes that share a port (SO_REUSEPORT) would share it with another router as
 * well, without an error; binding it alone first finds that out.
 *
 * @throws {ListenError}
 */
export async function reservePorts (config: Config): Promise<Config> {
  const listeners: ListenerConfig[] = []
  for (const listener of config.listeners) listeners.push(await reserve(listener))
  const { admin } = config
  return { ...config, listeners, admin: admin.host === '::' ? { ...admin, host: (await reserve({ host: '::', port: 0 })).host } : admin }
}

/** A port that cannot be listened on, in words for the operator. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

async function reserve<Listener extends Pick<ListenerConfig, 'host' | 'port'>> (listener: Listener): Promise<Listener> {
  try {
    return { ...listener, port: await bind(listener.host, listener.port) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'EAFNOSUPPORT' && listener.host === '::') return await reserve({ ...listener, host: '0.0.0.0' })
    throw listenError(listener, 'listeners[]', error)
  }
}

function bind (host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const bound = (server.address() as AddressInfo).port
      server.close(() => { resolve(bound) })
    })
  })
}

/** @param section - Of the configuration, that says where to listen: `admin`. */
export function listenError ({ host, port }: { readonly host: string, readonly port: number }, section: string, cause: unknown): ListenError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new ListenError(`cannot listen on ${host} port ${port}: ${explain(code, section)}`, { cause })
}

function explain (code: string, section: string): string {
  switch (code) {
    case 'EADDRINUSE': return `something else listens there; stop it, or change ${section}.port`
    case 'EACCES': return `this user may not; ports below 1024 need the right to bind them (net.ipv4.ip_unprivileged_port_start), or change ${section}.port`
    case 'EADDRNOTAVAIL': return `this machine has no such address; change ${section}.host`
    case 'EAFNOSUPPORT': return `this machine has no IPv6; write ${section}.host: 0.0.0.0, or an address of IPv4`
    case 'ENOTFOUND':
    case 'EAI_AGAIN': return `the name has no address here (${code}); write an address as ${section}.host`
    default: return code
  }
}

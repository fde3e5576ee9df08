/** Where a command on the same machine reaches the admin listener of a running router. */
import type { AdminConfig } from '../config/config.ts'

const ANY_ADDRESS = ['::', '0.0.0.0', '[::]', '']

/** Origin of the admin listener; `null` when its port is any free one, and so known to nobody else. */
export function adminOrigin ({ host, port }: AdminConfig): string | null {
  if (port === 0) return null
  // A listener on `::` takes IPv4 too, and machines without IPv6 have no ::1.
  const name = ANY_ADDRESS.includes(host) ? '127.0.0.1' : host
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`
}

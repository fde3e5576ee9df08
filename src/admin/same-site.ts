/**
 * Keeps other sites' pages from acting through the browser of an operator who can
 * reach the admin listener. Programs send none of these headers, and are let through.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/** @returns Why the request is refused, or `null`. */
export function crossSiteFault (headers: IncomingHttpHeaders): string | null {
  const site = headers['sec-fetch-site']
  // `same-site` is another port of this very host, and so possibly somebody else.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return `A page of another site made this request (Sec-Fetch-Site: ${site}).`
  const { origin, host } = headers
  if (origin !== undefined && originHost(origin) !== host?.toLowerCase()) return 'A page of another site made this request (Origin is not this host).'
  return null
}

/** Whether a person follows a link to it, in a window of its own. */
export function isNavigation (method: string, headers: IncomingHttpHeaders): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

/**
 * A page whose own name was made to point at this address is of the same site to a
 * browser (DNS rebinding): what gives it away is the name. One without a dot, such as
 * a container's, nobody out there can own.
 *
 * @param authority - The header `Host`.
 * @param names - Known ones; lower case.
 * @returns Why the request is refused, or `null`.
 */
export function unknownHostFault (authority: string | undefined, names: readonly string[]): string | null {
  // Browsers always send it.
  if (authority === undefined) return null
  const name = authority.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
  if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 || !name.includes('.') || name.endsWith('.localhost') || names.includes(name)) return null
  return `The name ${JSON.stringify(name.slice(0, 253))} is not known to this router: write it under admin.hosts, or use its address.`
}

/** JSON cannot be sent by a form, and by a script only after asking. */
export function isJson (contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType ?? '')
}

function originHost (origin: string): string | null {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase() ?? null
}

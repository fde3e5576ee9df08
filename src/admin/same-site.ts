/**
 * Keeps other sites' pages from acting through the browser of an operator who can
 * reach the admin listener. Programs send none of these headers, and are let through.
 */
import type { IncomingHttpHeaders } from 'node:http'

/** @returns Why the request is refused, or `null`. */
export function crossSiteFault (headers: IncomingHttpHeaders): string | null {
  const site = headers['sec-fetch-site']
  // `same-site` is another port of this very host, and so possibly somebody else.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return `A page of another site made this request (Sec-Fetch-Site: ${site}).`
  const { origin, host } = headers
  if (origin !== undefined && originHost(origin) !== host?.toLowerCase()) return 'A page of another site made this request (Origin is not this host).'
  return null
}

/** JSON cannot be sent by a form, and by a script only after asking. */
export function isJson (contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType ?? '')
}

function originHost (origin: string): string | null {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase() ?? null
}

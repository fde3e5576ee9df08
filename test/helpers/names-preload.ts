/** Loaded into the router by names.ts: `dns.lookup` knows the names of a file, and no others. */
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'
import type { Names } from './names.ts'

type Answer = (error: Error | null, address?: string | readonly dns.LookupAddress[], family?: number) => void

/** How often a name that hangs is looked at. */
const LOOK_INTERVAL_MS = 25

function resolve (name: string, answered: (error: Error | null, addresses: dns.LookupAddress[]) => void): void {
  const known = isIP(name) === 0 ? (JSON.parse(readFileSync(process.env['TEST_NAMES'] ?? '', 'utf8')) as Names)[name] ?? { error: 'ENOTFOUND' } : name
  if (typeof known === 'object' && 'hangs' in known) setTimeout(() => { resolve(name, answered) }, LOOK_INTERVAL_MS)
  else if (typeof known === 'object' && 'error' in known) answered(failure(known.error, name), [])
  else answered(null, (typeof known === 'string' ? [known] : known).map(address => ({ address, family: isIP(address) })))
}

function failure (code: string, name: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} ${name}`), { code, hostname: name })
}

function lookup (name: string, options: dns.LookupOptions, answer: Answer): void {
  setImmediate(resolve, name, (error: Error | null, addresses: dns.LookupAddress[]) => {
    if (error !== null) answer(error)
    else if (options.all === true) answer(null, addresses)
    else answer(null, addresses[0]?.address, addresses[0]?.family)
  })
}

Object.assign(dns, { lookup })
Object.assign(dns.promises, {
  lookup: (name: string) => new Promise((settle, reject) => {
    resolve(name, (error, addresses) => { if (error === null) settle(addresses); else reject(error) })
  })
})
syncBuiltinESMExports()

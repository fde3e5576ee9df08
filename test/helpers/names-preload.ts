/** Loaded into the router by names.ts: `dns.lookup` knows the names of a file, and no others. */
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'

type Answer = (error: Error | null, address?: string | readonly dns.LookupAddress[], family?: number) => void

function addressOf (name: string): string | undefined {
  if (isIP(name) !== 0) return name
  return (JSON.parse(readFileSync(process.env['TEST_NAMES'] ?? '', 'utf8')) as Record<string, string>)[name]
}

function notFound (name: string): Error {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', hostname: name })
}

function lookup (name: string, options: dns.LookupOptions, answer: Answer): void {
  const address = addressOf(name)
  setImmediate(() => {
    if (address === undefined) answer(notFound(name))
    else if (options.all === true) answer(null, [{ address, family: isIP(address) }])
    else answer(null, address, isIP(address))
  })
}

Object.assign(dns, { lookup })
Object.assign(dns.promises, {
  lookup: async (name: string) => {
    const address = addressOf(name)
    if (address === undefined) throw notFound(name)
    return [{ address, family: isIP(address) }]
  }
})
syncBuiltinESMExports()

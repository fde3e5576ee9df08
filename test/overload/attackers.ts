/** Hostile clients, in any number, from as many addresses of loopback as it takes. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Each address has some 28,000 ports. */
const ADDRESSES = 100
/** Faster than this the backlog of the listener overflows, which is the kernel's affair. */
const CONNECTING_AT_ONCE = 100

export interface Attacker {
  readonly socket: Socket
  /** The first bytes that came, and how many came in all. */
  readonly seen: () => string
  readonly bytes: () => number
  /** `open`, `closed` or `reset`. */
  readonly state: () => string
}

/** Resolves when it is connected, or could not be. */
export function attacker (port: number, index: number): Promise<Attacker> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + index % ADDRESSES}`, noDelay: true })
    let seen = ''
    let bytes = 0
    let state = 'open'
    const one: Attacker = { socket, seen: () => seen, bytes: () => bytes, state: () => state }
    socket.on('data', (data: Buffer) => {
      bytes += data.length
      if (seen.length < 1024) seen += data.toString('latin1', 0, 1024)
    })
    socket.on('error', () => { state = 'reset' })
    socket.on('close', () => {
      if (state === 'open') state = 'closed'
      resolve(one)
    })
    socket.on('connect', () => { resolve(one) })
  })
}

/** Runs `one` for 0 … count-1, so many at once. */
export async function each<T> (count: number, atOnce: number, one: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, async () => {
    while (next < count) {
      const index = next++
      results[index] = await one(index)
    }
  }))
  return results
}

export function attackers (port: number, count: number): Promise<Attacker[]> {
  return each(count, CONNECTING_AT_ONCE, index => attacker(port, index))
}

/** The whole exchange of one connection that ends with its answer: the status, or how it ended without. */
export async function ask (port: number, index: number, bytes: string | Buffer): Promise<string> {
  const one = await attacker(port, index)
  if (one.state() === 'open') {
    one.socket.write(bytes)
    await new Promise(resolve => { one.socket.once('close', resolve) })
  }
  return statusOf(one)
}

/** The status of the first answer, or how the connection ended without one. */
export function statusOf ({ seen, state }: Attacker): string {
  return /^HTTP\/1\.1 (\d{3})/.exec(seen())?.[1] ?? state()
}

/** `200: 12, 503: 4`. */
export function tally (outcomes: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return [...counts].toSorted(([a], [b]) => a < b ? -1 : 1).map(([outcome, count]) => `${outcome}: ${count}`).join(', ')
}

/** Calls `send` for each that is still open, every `intervalMs`, for so long. */
export async function drip (all: readonly Attacker[], { intervalMs, forMs }: { readonly intervalMs: number, readonly forMs: number }, send: (one: Attacker, round: number) => void): Promise<void> {
  const end = Date.now() + forMs
  for (let round = 0; Date.now() < end; round++) {
    for (const one of all) if (one.state() === 'open') send(one, round)
    await sleep(intervalMs)
  }
}

export function destroyAll (all: readonly Attacker[]): void {
  for (const { socket } of all) socket.destroy()
}

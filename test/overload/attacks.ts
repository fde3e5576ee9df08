/** The attacks, with the sizes they are run in: `MODERATE` on every change, `LARGE` by hand. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, attacker, attackers, destroyAll, drip, each, statusOf, tally } from './attackers.ts'
import type { Attack } from './site.ts'

const MEBIBYTE = 1024 * 1024

export interface Sizes {
  readonly idle: number
  readonly holdMs: number
  readonly churn: number
  readonly slowHeads: number
  readonly slowBodies: number
  readonly bodies: number
  readonly bodyMiB: number
  readonly readers: number
  readonly readMs: number
  readonly heads: number
  readonly projects: number
  readonly abandoned: number
  readonly hang: string
  readonly workers: number
}

export const MODERATE: Sizes = { idle: 400, holdMs: 1_500, churn: 1_000, slowHeads: 50, slowBodies: 100, bodies: 8, bodyMiB: 16, readers: 50, readMs: 1_500, heads: 200, projects: 500, abandoned: 300, hang: '2s', workers: 1 }
export const LARGE: Sizes = { idle: 10_000, holdMs: 10_000, churn: 100_000, slowHeads: 500, slowBodies: 5_000, bodies: 64, bodyMiB: 100, readers: 1_000, readMs: 15_000, heads: 20_000, projects: 5_000, abandoned: 5_000, hang: '30s', workers: 2 }

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const CLOSING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const BODY_HEAD = `POST /api/1/envelope/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${100 * MEBIBYTE}\r\n\r\n`
const reasons = ['connections', 'connections_per_address', 'requests', 'bodies', 'descriptors'] as const

export function attacksOf (sizes: Sizes): Attack[] {
  return [
    {
      name: `${sizes.idle} idle connections`,
      expected: new RegExp(`^${sizes.idle} still open`),
      config: { workers: sizes.workers },
      run: async ({ port, metric }) => {
        const all = await attackers(port, sizes.idle)
        for (const [i, { socket }] of all.entries()) if (i % 2 === 0) socket.write(GET)
        await sleep(sizes.holdMs)
        const open = await metric('router_open_connections')
        const outcome = `${all.filter(({ state }) => state() === 'open').length} still open, the router counts ${open}`
        destroyAll(all)
        return outcome
      }
    },
    {
      name: `${sizes.idle} idle connections, where ${sizes.idle / 2} may be open`,
      byHand: true,
      mayRefuse: true,
      expected: /, [1-9]\d* made room/,
      config: { client: { max_connections: sizes.idle / 2 } },
      run: async ({ port, metric }) => {
        const first = await attackers(port, sizes.idle / 2)
        await sleep(1_500)
        const all = [...first, ...await attackers(port, sizes.idle / 2)]
        await sleep(sizes.holdMs)
        const outcome = `${all.filter(({ state }) => state() === 'open').length} still open, ${await metric('router_reclaimed_connections_total', { state: 'idle' })} made room, ${await metric('router_refused_total')} refused`
        destroyAll(all)
        return outcome
      }
    },
    {
      name: `${sizes.churn} connections one after another, 50 at once`,
      byHand: true,
      expected: new RegExp(`^200: ${sizes.churn}$`),
      run: async ({ port }) => tally(await each(sizes.churn, 50, i => ask(port, i, CLOSING)))
    },
    {
      name: `${sizes.slowHeads} clients that drip their heads`,
      expected: new RegExp(`^reset: ${sizes.slowHeads}$`),
      config: { client: { header_timeout: '2s' } },
      run: async ({ port }) => {
        const all = await attackers(port, sizes.slowHeads)
        await drip(all, { intervalMs: 100, forMs: Math.max(sizes.holdMs, 3_000) }, ({ socket }, round) => { socket.write(round === 0 ? 'GET / HTTP/1.1\r\nHost: a\r\nX: ' : 'x') })
        const outcome = tally(all.map(statusOf))
        destroyAll(all)
        return outcome
      }
    },
    {
      name: `${sizes.slowBodies} clients that drip their bodies, where ${sizes.slowBodies} may be open`,
      byHand: true,
      mayRefuse: true,
      expected: /, [1-9]\d* made room/,
      config: { client: { max_connections: sizes.slowBodies } },
      run: async ({ port, metric }) => {
        const all = await attackers(port, sizes.slowBodies)
        await drip(all, { intervalMs: 1_000, forMs: sizes.holdMs + 6_000 }, ({ socket }, round) => { socket.write(round === 0 ? BODY_HEAD : 'x') })
        const outcome = `${all.filter(({ state }) => state() === 'open').length} still open, ${await metric('router_reclaimed_connections_total', { state: 'slow' })} made room, ${await metric('router_refused_total')} refused`
        destroyAll(all)
        return outcome
      }
    },
    {
      name: `${sizes.bodies} bodies of ${sizes.bodyMiB} MiB at once, where they may have ${sizes.bodies * sizes.bodyMiB / 3.2} MiB`,
      expected: /^200: [1-9]\d*, 503: [1-9]\d*;/,
      config: { client: { max_body_space: `${sizes.bodies * sizes.bodyMiB / 3.2}MiB`, max_body: `${sizes.bodyMiB}MiB` }, spool: { max_bytes: '1GiB' } },
      run: async ({ port, metric }) => {
        let most = 0
        const timer = setInterval(() => { metric('router_request_body_bytes', { place: 'disk' }).then(bytes => { most = Math.max(most, bytes) }, () => {}) }, 50)
        const body = Buffer.alloc(sizes.bodyMiB * MEBIBYTE)
        const head = Buffer.from(`POST /api/1/envelope/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`)
        const outcomes = await each(sizes.bodies, sizes.bodies, i => ask(port, i, Buffer.concat([head, body])))
        clearInterval(timer)
        return `${tally(outcomes)}; ${Math.round(most / MEBIBYTE)} MiB on disk at most`
      }
    },
    {
      name: `${sizes.readers} clients that do not read an answer of 64 MiB`,
      expected: /./,
      run: async ({ port }) => {
        const all = await attackers(port, sizes.readers)
        for (const { socket } of all) {
          socket.pause()
          socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')
        }
        await sleep(sizes.readMs)
        destroyAll(all)
        return 'all destroyed by the client'
      }
    },
    {
      name: `${sizes.heads} heads of 30 KiB, 50 connections at once`,
      expected: new RegExp(`^200: ${sizes.heads}$`),
      run: async ({ port }) => {
        const fields = Array.from({ length: 300 }, (_, i) => `X-Field-${i}: ${'x'.repeat(85)}\r\n`).join('')
        return tally(await each(sizes.heads, 50, i => ask(port, i, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`)))
      }
    },
    {
      name: `envelopes of ${sizes.projects} projects, and as many paths`,
      expected: new RegExp(`^200: ${sizes.projects}; 200: ${sizes.projects}; metrics page grew by \\d lines`),
      run: async ({ port, pageLines }) => {
        const before = await pageLines()
        const outcomes = await each(sizes.projects, 20, i => ask(port, i, `POST /api/${i + 1}/envelope/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`))
        const paths = await each(sizes.projects, 20, i => ask(port, i, `GET /path/${i} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`))
        return `${tally(outcomes)}; ${tally(paths)}; metrics page grew by ${await pageLines() - before} lines`
      }
    },
    {
      name: `${sizes.abandoned} posts whose clients leave, to an upstream that hangs, where ${sizes.abandoned / 5} may be under way`,
      mayRefuse: true,
      expected: /503: [1-9].*; refused: connections \d+, requests [1-9]/,
      readTimeout: sizes.hang,
      config: { client: { max_connections: sizes.abandoned / 5 } },
      run: async ({ port, metric }) => {
        const all = await each(sizes.abandoned, 50, async i => {
          const one = await attacker(port, i)
          one.socket.write('POST /api/1/hang/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}')
          await Promise.race([sleep(500), once(one.socket, 'data').catch(() => {})])
          one.socket.resetAndDestroy()
          return one.bytes() === 0 ? 'no answer' : statusOf(one)
        })
        const held = await metric('router_upstream_connections', { state: 'busy' })
        const refused = await Promise.all((['connections', 'requests'] as const).map(async reason => `${reason} ${await metric('router_refused_total', { reason })}`))
        return `${tally(all)}; ${held} requests at the upstream; refused: ${refused.join(', ')}`
      }
    },
    {
      name: 'descriptors run out (256 in all)',
      mayRefuse: true,
      expected: /refused: connections [1-9]/,
      openFiles: 256,
      readTimeout: sizes.hang,
      config: { mirror: undefined },
      run: async ({ port, metric }) => {
        const all = await attackers(port, 600)
        for (const { socket } of all) if (!socket.destroyed) socket.write(`POST /api/1/hang/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * MEBIBYTE}\r\n\r\n`)
        for (const { socket } of all) if (!socket.destroyed) socket.write(Buffer.alloc(2 * MEBIBYTE))
        await sleep(2_000)
        const refused = await Promise.all(reasons.map(async reason => `${reason} ${await metric('router_refused_total', { reason })}`))
        const outcome = `${tally(all.map(statusOf))}; refused: ${refused.join(', ')}`
        destroyAll(all)
        return outcome
      }
    },
    {
      name: 'no descriptor is left for 2 s',
      mayRefuse: true,
      expected: /^0 of 20 established closed; .*; 200 afterwards$/,
      run: async ({ port, pid }) => {
        const established = await attackers(port, 20)
        const limits = ['--pid', String(pid), '--output', 'SOFT', '--noheadings', '--raw', '--nofile']
        const before = execFileSync('prlimit', limits, { encoding: 'latin1' }).trim()
        execFileSync('prlimit', ['--pid', String(pid), '--nofile=20:'])
        const cpuBefore = await cpuSeconds(pid)
        const all = await attackers(port, 100)
        for (const { socket } of all) if (!socket.destroyed) socket.write(CLOSING)
        await sleep(2_000)
        const cpu = await cpuSeconds(pid) - cpuBefore
        execFileSync('prlimit', ['--pid', String(pid), `--nofile=${before}:`])
        const closed = established.filter(({ state }) => state() !== 'open').length
        const outcome = `${closed} of 20 established closed; newcomers ${tally(all.map(statusOf))}; ${cpu.toFixed(1)} s of CPU; ${await ask(port, 0, CLOSING)} afterwards`
        destroyAll([...established, ...all])
        return outcome
      }
    }
  ]
}

/** proc_pid_stat(5): user and system, in ticks of 10 ms. */
async function cpuSeconds (pid: number): Promise<number> {
  const [, text = ''] = (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')
  const fields = text.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

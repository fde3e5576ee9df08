/**
 * A process of its own, so that the attackers' work delays nobody's clock: the servers
 * behind the router, and ordinary clients in front of it, who ask all the time and
 * note how long each answer took.
 */
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type ToBystanders = { readonly type: 'ask', readonly port: number } | { readonly type: 'stop' }
export type FromBystanders =
  | { readonly type: 'ready', readonly relay: number, readonly web: number, readonly endpoint: number }
  | ({ readonly type: 'done' } & Served)

export interface Served {
  readonly served: number
  /** Answers other than 200, and connections that broke, by what it was. */
  readonly failed: Readonly<Record<string, number>>
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const INTERVAL_MS = 10
const ANSWER_TIMEOUT_MS = 30_000
const LARGE = Buffer.alloc(64 * 1024 * 1024, 'x')
const ENVELOPE = Buffer.from(`{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event"}\n{"message":"${'x'.repeat(2000)}"}\n`)

function answer (incoming: IncomingMessage, response: ServerResponse): void {
  incoming.resume()
  incoming.on('end', () => {
    if (incoming.url?.includes('hang') === true) return
    response.end(incoming.url === '/large' ? LARGE : 'ok')
  })
}

async function listen (): Promise<number> {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const keepAlive = new Agent({ keepAlive: true, maxSockets: 4 })
const durations: number[] = []
const failed: Record<string, number> = {}
const state = { asking: true, underWay: 0 }

function ask (port: number, n: number): void {
  const startedAt = performance.now()
  const isPost = n % 2 === 0
  const settle = (fault: string | null): void => {
    state.underWay--
    if (fault === null) durations.push(performance.now() - startedAt)
    else failed[fault] = (failed[fault] ?? 0) + 1
  }
  state.underWay++
  // Every second pair of requests comes on a new connection.
  const client = request({
    port,
    host: '127.0.0.1',
    localAddress: '127.0.0.250',
    agent: n % 4 < 2 ? keepAlive : false,
    timeout: ANSWER_TIMEOUT_MS,
    method: isPost ? 'POST' : 'GET',
    path: isPost ? '/api/1/envelope/?sentry_key=abc' : '/',
    headers: isPost ? { 'Content-Length': ENVELOPE.length } : {}
  }, response => {
    response.resume()
    response.on('end', () => { settle(response.statusCode === 200 ? null : String(response.statusCode)) })
    response.on('error', error => { settle(error.message) })
  })
  client.on('timeout', () => { client.destroy(new Error('timeout')) })
  client.on('error', error => { settle('code' in error ? String(error.code) : error.message) })
  client.end(isPost ? ENVELOPE : undefined)
}

async function askOn (port: number): Promise<void> {
  for (let n = 0; state.asking; n++) {
    ask(port, n)
    await sleep(INTERVAL_MS)
  }
  while (state.underWay > 0) await sleep(INTERVAL_MS)
  durations.sort((a, b) => a - b)
  const at = (share: number): number => durations[Math.min(Math.floor(durations.length * share), durations.length - 1)] ?? NaN
  tell({ type: 'done', served: durations.length, failed, p50: at(0.5), p99: at(0.99), max: at(1) })
}

function tell (message: FromBystanders): void {
  process.send?.(message)
}

process.on('message', (message: ToBystanders) => {
  if (message.type === 'ask') void askOn(message.port)
  else state.asking = false
})
process.on('disconnect', () => { process.exit() })
tell({ type: 'ready', relay: await listen(), web: await listen(), endpoint: await listen() })

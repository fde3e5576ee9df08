/**
 * A stand-in for Relay, web and the endpoint that costs little: one process on plain
 * sockets, which reads requests by their Content-Length and answers with fixed bytes.
 * It counts whole requests, and can stop answering. Run by `startBackends`.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

const NAMES = ['relay', 'web', 'endpoint'] as const
export type BackendName = typeof NAMES[number]

export interface Backends {
  readonly ports: Readonly<Record<BackendName, number>>
  readonly pid: number
  /** Whole requests since the start. */
  counts (): Promise<Readonly<Record<BackendName, number>>>
  /** Accepts and reads from now on, and never answers. */
  hang (name: BackendName, hangs: boolean): Promise<void>
  stop (): Promise<void>
}

type Order = { readonly verb: 'count' } | { readonly verb: 'hang', readonly name: BackendName, readonly hangs: boolean }
type Word = Readonly<Record<BackendName, number>>

/** As long as Relay's: an event id. The endpoint answers with a body too, as RUM may. */
const JSON_BODY = '{"id":"6c3a3f0e1b3c4a55a8e8c0b4d2f1e9aa"}'
const PAGE = '<!doctype html>'.padEnd(10_240, 'page ')
const ANSWERS: Readonly<Record<BackendName, string>> = {
  relay: answer('application/json', JSON_BODY),
  web: answer('text/html', PAGE),
  endpoint: answer('application/json', JSON_BODY)
}

function answer (type: string, body: string): string {
  return `HTTP/1.1 200 OK\r\nServer: stand-in\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** @param cores - As taskset(1) takes them. */
export async function startBackends (cores: string): Promise<Backends> {
  const child = fork(fileURLToPath(import.meta.url), [], { execPath: '/usr/bin/taskset', execArgv: ['-c', cores, process.execPath], stdio: 'inherit' })
  const ports = await word(child)
  const ask = async (order: Order): Promise<Word> => {
    child.send(order)
    return await word(child)
  }
  return {
    ports,
    pid: child.pid ?? 0,
    counts: () => ask({ verb: 'count' }),
    async hang (name, hangs) { await ask({ verb: 'hang', name, hangs }) },
    async stop () {
      child.kill()
      await once(child, 'exit')
    }
  }
}

async function word (child: ChildProcess): Promise<Word> {
  const [message] = await once(child, 'message') as [Word]
  return message
}

async function standIn (): Promise<void> {
  const counts = { relay: 0, web: 0, endpoint: 0 }
  const hanging = new Set<BackendName>()
  const ports: Partial<Record<BackendName, number>> = {}
  for (const name of NAMES) {
    const server = createServer({ noDelay: true }, socket => {
      serve(socket, () => {
        counts[name]++
        if (!hanging.has(name)) socket.write(ANSWERS[name], 'latin1')
      })
    })
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
    await once(server, 'listening')
    ports[name] = (server.address() as AddressInfo).port
  }
  process.on('message', (order: Order) => {
    if (order.verb === 'hang') {
      if (order.hangs) hanging.add(order.name)
      else hanging.delete(order.name)
    }
    process.send?.(counts)
  })
  process.send?.(ports)
}

/** Calls `whole` after the last byte of each request. */
function serve (socket: Socket, whole: () => void): void {
  let head = ''
  let bodyLeft = 0
  socket.on('error', () => {})
  socket.on('data', (data: Buffer) => {
    let at = 0
    while (at < data.length) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, data.length - at)
        bodyLeft -= taken
        at += taken
        if (bodyLeft === 0) whole()
        continue
      }
      const before = head.length
      head += data.toString('latin1', at)
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      at += end + 4 - before
      bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end))?.[1] ?? 0)
      head = ''
      if (bodyLeft === 0) whole()
    }
  })
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) await standIn()

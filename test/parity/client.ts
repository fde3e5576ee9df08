/** A client of the suite: sends exact bytes over one TCP connection, and writes down what comes back. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expand, received } from './bytes.ts'
import { BodyReader } from './body-reader.ts'
import { takeHead, valuesOf, type Head } from './head.ts'
import type { BackendMode, BackendName, ClientScript, ConnectionSeen, ResponseSeen, Step } from './types.ts'

const DEFAULT_RECV_MS = 4000
const DEFAULT_INTERIM_MS = 1000

interface Response {
  readonly seen: ResponseSeen
  readonly body: BodyReader
}

export class Client {
  readonly seen: ConnectionSeen = { responses: [], interim: [], end: 'open', leftover: 0 }
  readonly #socket: Socket
  readonly #connected: Promise<boolean>
  readonly #methods: readonly string[]
  readonly #openedAt = performance.now()
  #buffer: Buffer = Buffer.alloc(0)
  #response: Response | null = null
  #ended = false
  #sentAt = 0
  #expected = 0
  #wake: (() => void) | null = null

  constructor (port: number, script: ClientScript) {
    this.#methods = script.methods ?? []
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true, ...(script.from === undefined ? {} : { localAddress: script.from }) })
    this.#connected = new Promise(resolve => {
      this.#socket.once('connect', () => resolve(true))
      this.#socket.once('error', () => resolve(false))
    })
    this.#socket.on('data', data => this.#feed(received(data)))
    this.#socket.on('end', () => this.#close('fin'))
    this.#socket.on('error', () => this.#close('rst'))
    this.#socket.on('close', () => this.#close('closed'))
  }

  async run (steps: readonly Step[], setMode: (backend: BackendName, mode: BackendMode) => Promise<void>): Promise<void> {
    if (!await this.#connected) {
      this.seen.end = 'noconnect'
      return
    }
    for (const step of steps) {
      if ('mode' in step) await Promise.all(Object.entries(step.mode).map(([backend, mode]) => setMode(backend as BackendName, mode)))
      else await this.#do(step)
    }
  }

  /** Writes down what is unfinished; the connection stays as it is. */
  finish (): ConnectionSeen {
    if (this.#response !== null) this.seen.partial = { status: this.#response.seen.status, bodyLen: this.#response.body.length }
    else this.seen.leftover = this.#buffer.length
    return this.seen
  }

  kill (): void {
    this.#socket.destroy()
  }

  async #do (step: Exclude<Step, { mode: unknown }>): Promise<void> {
    if ('send' in step) {
      await this.#send(expand(step.send), step.slice, step.gap)
    } else if ('recv' in step) {
      this.#expected += step.recv
      await this.#until(() => this.seen.responses.length >= this.#expected, step.timeout ?? DEFAULT_RECV_MS)
    } else if ('interim' in step) {
      await this.#until(() => this.seen.interim.length >= step.interim || this.seen.responses.length > 0, step.timeout ?? DEFAULT_INTERIM_MS)
    } else if ('wait' in step) {
      await sleep(step.wait)
    } else if ('eof' in step) {
      await this.#until(() => false, step.eof)
    } else if ('end' in step) {
      this.#socket.end()
    } else {
      this.seen.end = 'client'
      if ('rst' in step) this.#socket.resetAndDestroy()
      else this.#socket.destroy()
    }
  }

  async #send (bytes: Buffer, slice = bytes.length, gapMs = 0): Promise<void> {
    this.#sentAt = this.#now()
    if (slice === bytes.length) {
      if (this.#socket.writable) this.#socket.write(bytes)
      return
    }
    for (let at = 0; at < bytes.length && !this.#socket.destroyed; at += slice) {
      this.#socket.write(bytes.subarray(at, at + slice))
      await sleep(gapMs)
    }
    this.#sentAt = this.#now()
  }

  /** Waits until `reached`, the end of the connection, or the time limit. */
  async #until (reached: () => boolean, timeoutMs: number): Promise<void> {
    const deadline = this.#now() + timeoutMs
    while (!reached() && !this.#ended && this.#now() < deadline) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, deadline - this.#now())
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Milliseconds since the connection was begun, to a tenth. */
  #now (): number {
    return Math.round((performance.now() - this.#openedAt) * 10) / 10
  }

  #close (how: 'fin' | 'rst' | 'closed'): void {
    if (this.seen.end === 'open') {
      this.seen.end = how
      this.seen.tEnd = this.#now()
    }
    if (!this.#ended) {
      this.#ended = true
      this.#read()
    }
    this.#wake?.()
  }

  #feed (data: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data])
    this.#read()
    this.#wake?.()
  }

  #read (): void {
    do {
      this.#response ??= this.#begin()
      const response = this.#response
      if (response === null) return
      this.#buffer = response.body.take(this.#buffer)
      const untilClose = response.seen.framing === 'close'
      if (untilClose && this.seen.end === 'fin') response.body.done = true
      if (!response.body.done && !this.#ended) return
      this.#complete(response)
      // What follows a response that was cut short cannot be a response.
      if (!response.body.done) return
    } while (this.#buffer.length > 0)
  }

  #begin (): Response | null {
    if (this.#buffer.length === 0) return null
    const start = this.#buffer.toString('latin1', 0, 5)
    // HTTP/0.9, or garbage: all of it is one response without a head.
    if (!'HTTP/'.startsWith(start)) return this.#ended ? this.#open({ line: '', headers: [] }, 'GET') : null

    for (;;) {
      const taken = takeHead(this.#buffer)
      if (taken === null) return null
      this.#buffer = taken.rest
      const status = statusOf(taken.head.line)
      if (status < 100 || status >= 200 || status === 101) {
        return this.#open(taken.head, this.#methods[this.seen.responses.length] ?? 'GET')
      }
      this.seen.interim.push(status)
    }
  }

  #open (head: Head, method: string): Response {
    const status = head.line === '' ? 0 : statusOf(head.line)
    const chunked = valuesOf(head.headers, 'transfer-encoding').join().toLowerCase().includes('chunked')
    const [length] = valuesOf(head.headers, 'content-length')
    const bodyless = method === 'HEAD' || status === 204 || status === 304
    const framing = chunked ? 'chunked' : length === undefined ? (bodyless ? 'none' : 'close') : 'cl'
    const [, version, reason] = /^(HTTP\/\d\.\d) \d{3} ?(.*)$/.exec(head.line) ?? []
    const seen: ResponseSeen = {
      ...(version === undefined ? {} : { version }),
      status,
      ...(reason === undefined ? {} : { reason }),
      headers: head.headers.map(([name, value]) => [name, value.trim()]),
      framing,
      complete: false,
      bodyLen: 0,
      bodySha: '',
      bodyHead: '',
      t: 0,
      dt: 0
    }
    const body = new BodyReader(bodyless ? { length: 0 } : chunked ? 'chunked' : length === undefined ? 'until-close' : { length: Number(length) })
    return { seen, body }
  }

  #complete ({ seen, body }: Response): void {
    seen.complete = body.done || seen.status === 0
    seen.bodyLen = body.length
    seen.bodySha = body.digest()
    seen.bodyHead = body.head
    seen.t = this.#now()
    seen.dt = Math.round((seen.t - this.#sentAt) * 10) / 10
    this.seen.responses.push(seen)
    this.#response = null
  }
}

/** -1 where the line is not a status line. */
function statusOf (line: string): number {
  return Number(/^HTTP\/\d\.\d (\d{3})/.exec(line)?.[1] ?? -1)
}

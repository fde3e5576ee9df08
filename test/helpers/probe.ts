/** Sends bytes to a port and says what came back, and whether the connection can be used again. */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Probed {
  /** `none` when nothing came, `garbage` when it was not HTTP/1. */
  readonly status: number | 'none' | 'garbage'
  /** Statuses of the 1xx before it. */
  readonly interim: readonly number[]
  readonly reason: string
  /** Header lines as received. */
  readonly headers: readonly string[]
  /** Decoded. */
  readonly body: string
  /** Whether the body ended as its framing says. */
  readonly complete: boolean
  /** Whether a further request on the connection is answered. */
  readonly open: boolean
}

const NO_ANSWER_MS = 4_000
const FOLLOW_UP = 'GET /follow-up HTTP/1.1\r\nHost: follow.example.test\r\nConnection: close\r\n\r\n'

interface Parsed {
  readonly status: number
  readonly reason: string
  readonly headers: readonly string[]
  readonly body: string
  readonly complete: boolean
  /** Of what there is of it. */
  readonly length: number
  /** Of all of it, as far as that is known. */
  readonly wantedLength: number
}

/**
 * @param method - Of the request: the answer to HEAD has no body.
 * @param onAnswered - What is done before a further request is sent.
 */
export async function probe (port: number, bytes: string | Buffer, method = 'GET', onAnswered?: () => Promise<void>): Promise<Probed> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let text = ''
  /** Read, and not looked at yet: a long answer is put together once. */
  let pieces: string[] = []
  let pieceBytes = 0
  let wantedBytes = 0
  let wake: (() => void) | null = null
  const ended = (): boolean => socket.readableEnded || socket.destroyed
  socket.on('data', (data: Buffer) => {
    pieces.push(data.toString('latin1'))
    pieceBytes += data.length
    wake?.()
  })
  socket.on('end', () => { wake?.() })
  socket.on('close', () => { wake?.() })
  // A reset is an end.
  socket.on('error', () => {})
  socket.write(bytes)

  const until = async (reached: () => boolean): Promise<void> => {
    const deadline = performance.now() + NO_ANSWER_MS
    while (!reached() && !ended() && performance.now() < deadline) {
      await Promise.race([new Promise<void>(resolve => { wake = resolve }), sleep(deadline - performance.now(), undefined, { ref: false })])
    }
  }

  const interim: number[] = []
  let parsed: Parsed | null = null
  const take = (): void => {
    text += pieces.join('')
    pieces = []
    pieceBytes = 0
  }
  const look = (): boolean => {
    if (text.length + pieceBytes < wantedBytes && !ended()) return false
    take()
    parsed = parse(text, method, ended())
    while (parsed !== null && parsed.status >= 100 && parsed.status < 200) {
      interim.push(parsed.status)
      text = text.slice(parsed.length)
      parsed = parse(text, method, ended())
    }
    wantedBytes = parsed?.complete === false ? parsed.wantedLength : 0
    return parsed?.complete === true
  }
  await until(look)
  wantedBytes = 0
  look()
  const answer = parsed as Parsed | null
  let open = false
  await onAnswered?.()
  if (answer?.complete === true && !ended()) {
    text = text.slice(answer.length)
    socket.write(FOLLOW_UP)
    await until(() => {
      take()
      return text.includes('\r\n\r\n')
    })
    open = text.startsWith('HTTP/1.1 200')
  }
  socket.destroy()
  if (answer === null) return { status: text === '' ? 'none' : 'garbage', interim, reason: '', headers: [], body: text, complete: false, open }
  const { status, reason, headers, body, complete } = answer
  return { status, interim, reason, headers, body, complete, open }
}

function parse (text: string, method: string, ended: boolean): Parsed | null {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return null
  const [line = '', ...headers] = text.slice(0, end).split('\r\n')
  const match = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/.exec(line)
  if (match === null) return null
  const status = Number(match[1])
  const head = { status, reason: match[2] ?? '', headers }
  const start = end + 4
  if (method === 'HEAD' || (status >= 100 && status < 200) || status === 204 || status === 304) return { ...head, body: '', complete: true, length: start, wantedLength: start }
  if (headers.some(header => /^transfer-encoding: *chunked$/i.test(header))) return { ...head, ...chunked(text, start), wantedLength: 0 }
  const length = headers.map(header => /^content-length: *(\d+)$/i.exec(header)?.[1]).find(value => value !== undefined)
  if (length === undefined) return { ...head, body: text.slice(start), complete: ended, length: text.length, wantedLength: 0 }
  const body = text.slice(start, start + Number(length))
  return { ...head, body, complete: body.length === Number(length), length: start + body.length, wantedLength: start + Number(length) }
}

function chunked (text: string, start: number): { body: string, complete: boolean, length: number } {
  let body = ''
  let at = start
  for (;;) {
    const end = text.indexOf('\r\n', at)
    if (end === -1) return { body, complete: false, length: text.length }
    const size = Number.parseInt(text.slice(at, end), 16)
    if (size === 0) return { body, complete: text.startsWith('\r\n', end + 2), length: end + 4 }
    body += text.slice(end + 2, end + 2 + size)
    at = end + 2 + size + 2
  }
}

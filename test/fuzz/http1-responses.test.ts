/**
 * Answers of a server that are mostly right and here and there a little wrong: cut
 * into any reads they are the same answer, Node's parser sees the same one, the
 * client gets something that can be read or is cut, and the next client its own.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import t, { test } from 'tap'
import type { ResponseHead } from '../../src/http1/message.ts'
import { ResponseReader } from '../../src/http1/response-reader.ts'
import { fuzz } from '../helpers/fuzz.ts'
import { probe } from '../helpers/probe.ts'
import { startProxy } from '../helpers/proxy.ts'
import { bytewise, cut, splits } from '../helpers/splits.ts'
import { readResponseStrictly } from '../helpers/strict-parser.ts'
import { answerStreams } from './http1-answers.ts'

// A long run by hand is longer than any test.
t.setTimeout(0)

/** What is not complete so long after its last byte ends with the connection. */
const COMPLETE_WITHIN_MS = 8

interface Read {
  readonly head: ResponseHead | null
  readonly body: string
  readonly end: 'complete' | 'fault' | 'cut'
}

/** The answer without what stands behind its end. */
function withoutExcess (bytes: Buffer, method: string): Buffer {
  const reader = new ResponseReader(method, { onHead: () => {}, onData: () => {} })
  let at = 0
  while (at < bytes.length && !reader.complete) reader.push(bytes.subarray(at, ++at))
  return bytes.subarray(0, at)
}

function read (pieces: readonly Buffer[], method: string): Read {
  let head: ResponseHead | null = null
  const body: string[] = []
  const reader = new ResponseReader(method, { onHead: found => { head = found }, onData: piece => { body.push(piece.toString('latin1')) } })
  for (const piece of pieces) reader.push(piece)
  reader.end()
  return { head, body: body.join(''), end: reader.complete ? 'complete' : reader.fault ? 'fault' : 'cut' }
}

/** Why the router takes an answer that Node's parser refuses, as nginx does; `null` where it should not. */
function excuse (bytes: Buffer): string | null {
  const text = bytes.toString('latin1')
  const head = /^(?:HTTP\/1\.\d+ +1\d\d[^]*?\n\r?\n)*[^]*?\n\r?\n/.exec(text)?.[0] ?? text
  if (/(?:^|[^\r])\n/.test(head)) return 'lines that end in LF'
  if (/^HTTP\/1\.(?![01] \d\d\d )|^HTTP\/1\.\d  |^HTTP\/1\.1 \d\d\d\r/m.test(head) || /^HTTP\/1\.\d+ .*[^\t\x20-\x7e\x80-\xff\r].*$/m.test(head)) return 'a status line with more or less in it'
  if (/^[^:\r\n]+\r\n/m.test(head.replaceAll(/^HTTP\/.*\r\n/gm, ''))) return 'a line without a colon is a field without a value'
  if (/^[^:\r\n]*[^!#-'*+.^_`|~0-9a-z\r\n:-]/im.test(head.replaceAll(/^HTTP\/.*\r\n/gm, '').replaceAll(/:.*$/gm, ':'))) return 'an odd name'
  if (/[^\t\n\r\x20-\x7e\x80-\xff]/.test(head)) return 'control bytes in a value'
  if (/^transfer-encoding:/im.test(head)) return 'a coding, an extension or a trailer that Node reads otherwise'
  if (/^content-length:[^]*^content-length:/im.test(head)) return 'equal lengths'
  if (/^HTTP\/1\.\d (?:204|304) /m.test(head)) return 'a length where no body can be'
  return null
}

test('any reads of an answer are the same answer, and Node sees no other', async t => {
  const excused = new Map<string, number>()
  let compared = 0

  await fuzz(t, fc.tuple(answerStreams(), splits(), fc.constantFrom('GET', 'GET', 'HEAD')), async ([bytes, places, method]) => {
    const whole = read([bytes], method)
    deepStrictEqual(read(cut(bytes, places), method), whole)
    deepStrictEqual(read(bytewise(bytes), method), whole)
    if (whole.end !== 'complete' || whole.head === null) return

    const strict = await readResponseStrictly(withoutExcess(bytes, method), method)
    if (strict.fault !== null || strict.status !== whole.head.status || strict.body !== whole.body) {
      const why = excuse(bytes)
      // Where Node says nothing against it, it must see the same.
      ok(why !== null, `taken as ${whole.head.status} with ${whole.body.length} bytes, though Node says ${JSON.stringify(strict)}`)
      if (why === 'a coding, an extension or a trailer that Node reads otherwise' && strict.fault === null) strictEqual(whole.head.keepAlive, false, 'two readings, and the connection goes on')
      excused.set(why, (excused.get(why) ?? 0) + 1)
      return
    }
    compared++
  })
  t.comment(`${compared} answers compared; taken in spite of Node: ${JSON.stringify(Object.fromEntries(excused))}`)
})

test('whatever a server answers, its client can read it or is cut off, and the next gets its own', async t => {
  let pieces: readonly Buffer[] = []
  const server = createServer({ noDelay: true }, socket => {
    let ending: NodeJS.Timeout | undefined
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      clearTimeout(ending)
      if (data.includes(' /next ')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n/next')
      else void answer(socket).then(() => { ending = setTimeout(() => { socket.end() }, COMPLETE_WITHIN_MS) })
    })
  })
  const answer = async (socket: Socket): Promise<void> => {
    for (const piece of pieces) {
      socket.write(piece)
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const { port } = await startProxy(t, { servers: [(server.address() as AddressInfo).port] })

  await fuzz(t, fc.tuple(answerStreams(), splits(), fc.constantFrom('GET', 'GET', 'HEAD')), async ([bytes, places, method]) => {
    pieces = cut(bytes, places)
    const expected = read([bytes], method)

    const first = await probe(port, `${method} /case HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, method)
    await sleep(4)
    const next = await probe(port, 'GET /next HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n')

    deepStrictEqual([next.status, next.body], [200, '/next'], 'the next client gets its own')
    if (expected.head === null) strictEqual(first.status, 502)
    else strictEqual(first.status, expected.head.status)
    if (expected.end === 'complete') deepStrictEqual([first.complete, first.body], [true, expected.body])
    else strictEqual(first.complete, expected.head === null, 'whole only if it is a page of the router')
    for (const line of first.headers) ok(/^[!-9;-~\x80-\xff]+:(?: [^\0\r\n]*)?$/.test(line), `a line of one field: ${JSON.stringify(line)}`)
  })
})

/** What a client gets for a stream of requests does not depend on how the stream was cut into reads. */
import { strictEqual } from 'node:assert/strict'
import type { Socket } from 'node:net'
import * as fc from 'fast-check'
import { test, type Test } from 'tap'
import type { Exchange } from '../../src/http1/exchange.ts'
import { answerText, openSocket, startListener, untilEnd } from '../helpers/listener.ts'
import { bytewise, cut, splits } from '../helpers/splits.ts'

const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

const requests = fc.array(fc.constantFrom(
  'GET /get HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\n',
  'HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
  'POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n',
  'POST /continue HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok',
  'POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
  'POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ',
  'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'GET /close HTTP/1.0\r\n\r\n',
  'POST /large HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n',
  'POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
  'GET /two HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
  'get / HTTP/1.1\r\n\r\n'
), { maxLength: 6 })

function onRequest (exchange: Exchange): void {
  const target = exchange.head?.target ?? ''
  if (exchange.head?.expectContinue === true) exchange.sendContinue()
  if (target === '/unread') return answerText(exchange, 404, 'unread')
  if (target === '/stream') {
    exchange.start({ status: 200, reason: 'OK', block: '', length: null })
    exchange.write(Buffer.from('one'))
    setImmediate(() => {
      exchange.write(Buffer.from('two'))
      exchange.end()
    })
    return
  }
  let body = ''
  exchange.connection.readBody({
    onData: piece => { body += piece.toString('latin1') },
    onEnd: () => {
      const answer = (): void => { answerText(exchange, 200, `${target}:${body}`) }
      if (target === '/later') setImmediate(answer)
      else answer()
    },
    onFault: code => {
      exchange.keepAlive = false
      answerText(exchange, 400, code)
    }
  }, 32)
}

test('a stream of requests gets the same answers in any reads', { timeout: 60_000 }, async t => {
  const { port } = await startListener(t, {
    onRequest,
    onMalformed: (exchange, code) => {
      exchange.keepAlive = false
      answerText(exchange, 400, code)
    },
    onHeadAborted: () => {}
  })

  await fc.assert(fc.asyncProperty(requests, splits(), async (parts, places) => {
    const stream = Buffer.from(parts.join('') + LAST, 'latin1')

    const [whole, inPieces, byByte] = await Promise.all([transcript(t, port, [stream]), transcript(t, port, cut(stream, places)), transcript(t, port, bytewise(stream))])

    strictEqual(inPieces, whole)
    strictEqual(byByte, whole)
  }), { numRuns: 120 })
  t.pass('120 streams')
})

/** Every byte that came back, without the dates. */
async function transcript (t: Test, port: number, pieces: readonly Buffer[]): Promise<string> {
  const client = await openSocket(t, port)
  client.once('end', () => { client.end() })
  const seen = untilEnd(client)
  for (const piece of pieces) {
    if (client.destroyed) break
    await written(client, piece)
  }
  const { text } = await seen
  return text.replaceAll(/^Date: .*$/gm, '')
}

/** Resolves a turn after the kernel has the bytes: each piece is likely to be a read of its own. */
async function written (client: Socket, piece: Buffer): Promise<void> {
  await new Promise<void>(resolve => { client.write(piece, () => { resolve() }) })
  await new Promise(resolve => { setImmediate(resolve) })
}

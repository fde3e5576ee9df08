import { strictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { test } from 'tap'
import { ChunkedDecoder } from '../../../src/http1/chunked.ts'
import { cut, splits } from '../../helpers/splits.ts'

function decode (pieces: readonly Buffer[], limit = Infinity): { text: string, rest: string, decoder: ChunkedDecoder } {
  const decoder = new ChunkedDecoder()
  decoder.limit = limit
  const out: Buffer[] = []
  let rest = ''
  for (const piece of pieces) rest += piece.toString('latin1', decoder.read(piece, 0, data => { out.push(data) }))
  return { text: Buffer.concat(out).toString('latin1'), rest, decoder }
}

test('what was chunked is what is decoded, whatever the chunks, the reads and what follows', async t => {
  const chunk = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.constantFrom('', ';x', ';x="y;z"', ' '), fc.boolean())
  fc.assert(fc.property(fc.array(chunk, { maxLength: 6 }), fc.constantFrom('', 'A: b\r\n', 'A:\r\nC: d\r\n'), fc.string({ maxLength: 10 }), splits(), (chunks, trailers, next, places) => {
    const text = chunks.map(([bytes]) => Buffer.from(bytes).toString('latin1')).join('')
    const encoded = chunks.map(([bytes, extension, upper]) => `${upper ? bytes.length.toString(16).toUpperCase() : bytes.length.toString(16).padStart(4, '0')}${extension}\r\n${Buffer.from(bytes).toString('latin1')}\r\n`).join('')
    const behind = next.replaceAll(/[^\0-\xff]/g, '')

    const decoded = decode(cut(Buffer.from(`${encoded}0\r\n${trailers}\r\n${behind}`, 'latin1'), places))

    strictEqual(decoded.decoder.done, true)
    strictEqual(decoded.text, text)
    strictEqual(decoded.rest, behind, 'nothing behind the body is consumed')
  }), { numRuns: 400 })
  t.pass('400 bodies')
})

test('a body may announce as much as the limit, and no more', async t => {
  const body = Buffer.from('5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n')

  t.ok(decode([body], 8).decoder.done)
  const over = decode([body], 7)
  t.ok(over.decoder.tooLarge)
  t.equal(over.text, 'hello', 'nothing of the chunk that is too much')
  t.notOk(over.decoder.done)
})

const extension = (length: number): ChunkedDecoder => decode([Buffer.from(`1;${'x'.repeat(length)}\r\na\r\n0\r\n\r\n`)]).decoder
const zeros = (count: number): ChunkedDecoder => decode([Buffer.from(`${'0'.repeat(count)}1\r\na\r\n0\r\n\r\n`)]).decoder
const trailers = (lines: number): ChunkedDecoder => decode([Buffer.from(`0\r\n${'A: 34567\r\n'.repeat(lines)}\r\n`)]).decoder
const chunks = (size: number, extension: number, count: number): ChunkedDecoder =>
  decode([Buffer.from(`${`${size.toString(16)};${'x'.repeat(extension)}\r\n${'a'.repeat(size)}\r\n`.repeat(count)}0\r\n\r\n`)]).decoder

test('extensions, leading zeros and trailers are bounded, for the whole body', async t => {
  t.ok(extension(8000).done)
  t.ok(extension(8200).fault)
  t.ok(trailers(1000).done)
  t.ok(trailers(1100).fault)
  t.ok(zeros(8000).done)
  t.ok(zeros(8200).fault)
  t.ok(chunks(1, 10, 10_000).done, 'one-byte chunks with a short extension each')
  t.ok(chunks(1, 500, 16).done)
  t.ok(chunks(1, 500, 18).fault, 'however they are spread')
  t.ok(chunks(1000, 1500, 100).done, 'much data may have much beside it')
})

test('what is no extension and no field line is a fault', async t => {
  const bodies = ['3;\x7f\r\nabc\r\n0\r\n\r\n', '3;a\x01\r\nabc\r\n0\r\n\r\n', '0\r\nA: b\x0bc\r\n\r\n', '3 x\r\nabc\r\n0\r\n\r\n', '3\tx\r\nabc\r\n0\r\n\r\n', '0\r\nA\r\n\r\n', '0\r\n A: b\r\n\r\n', '0\r\n: b\r\n\r\n', '0\r\nA : b\r\n\r\n', '0\r\nA\x01: b\r\n\r\n', '0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n']
  for (const body of bodies) t.ok(decode([Buffer.from(body, 'latin1')]).decoder.fault, JSON.stringify(body))
  for (const body of ['3;\ta\xe4\r\nabc\r\n0\r\nA: \tb\xe4\r\n\r\n', '3 \r\nabc\r\n0 ;x\r\n\r\n', '0\r\nA:\r\nA_b: c\r\n\r\n']) t.ok(decode([Buffer.from(body, 'latin1')]).decoder.done, JSON.stringify(body))
})

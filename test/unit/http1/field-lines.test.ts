/** Lines cut out of what was received are the lines that names and values make. */
import * as fc from 'fast-check'
import { test } from 'tap'
import { fieldLines, type RequestHead } from '../../../src/http1/message.ts'
import { parseRequestHead } from '../../../src/http1/request-head.ts'

function headOf (lines: readonly string[]): RequestHead {
  const head = parseRequestHead(`GET / HTTP/1.1\r\n${['Host: a.test', ...lines].map(line => `${line}\r\n`).join('')}`, true)
  if (head === null || typeof head === 'string') throw new Error(`not a head: ${head}`)
  return head
}

test('fields come out in their order, case and number, without those that stay', async t => {
  const head = headOf(['A: 1', 'Cookie: x', 'B: 2', 'a: 3', 'C: 4', 'cookie: y'])

  t.equal(fieldLines(head, name => name.toLowerCase() !== 'cookie'), 'Host: a.test\r\nA: 1\r\nB: 2\r\na: 3\r\nC: 4\r\n')
  t.equal(fieldLines(head, () => false), '')
})

test('a line in another form is written anew, and an ignored one does not slip through', async t => {
  const head = headOf(['A:1', 'B:  2', 'C: 3 ', 'D:', 'E: ', 'not_passed: on', 'F: 6'])

  t.equal(fieldLines(head, () => true), 'Host: a.test\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: \r\nE: \r\nF: 6\r\n')
})

test('whatever the lines and whatever stays, it is what names and values alone give', async t => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/).filter(text => !/^(host|content-length|transfer-encoding|expect|connection)$/i.test(text) && !/^(?:if-|etag|range|date|user-agent|referer|authorization|via)/i.test(text))
  const line = fc.tuple(name, fc.constantFrom(':', ': ', ':  '), fc.stringMatching(/^[!-~ ]{0,12}$/), fc.constantFrom('', ' '))
  fc.assert(fc.property(fc.uniqueArray(line, { selector: ([name]) => name.toLowerCase() }), fc.integer(), (lines, seed) => {
    const head = headOf(lines.map(parts => parts.join('')))
    const leaves = (name: string): boolean => (name.length * 7 + name.charCodeAt(0) + seed) % 3 !== 0
    return fieldLines(head, leaves) === fieldLines({ headers: head.headers, received: null }, leaves)
  }))
  t.pass('no difference found')
})

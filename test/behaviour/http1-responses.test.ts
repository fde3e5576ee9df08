/** Raw answers of an upstream through nginx and through the router: what the client gets, and whether it can go on. */
import { test } from 'tap'
import { RESPONSES } from '../fixtures/http1/responses.ts'
import { answers, type Answer } from '../helpers/backends.ts'
import { outcome, startTwins, type Outcome, type Twin } from '../helpers/twins.ts'

/** Requests under way at once, to each of the two. */
const WIDTH = 8

/** Every kind of client gets every answer. */
const CLIENTS = [
  { name: 'GET', method: 'GET', version: '1.1', lines: '' },
  { name: 'HEAD', method: 'HEAD', version: '1.1', lines: '' },
  { name: 'GET on 1.0', method: 'GET', version: '1.0', lines: '' },
  { name: 'GET on 1.0 with keep-alive', method: 'GET', version: '1.0', lines: 'Connection: keep-alive\r\n' },
  { name: 'POST with close', method: 'POST', version: '1.1', lines: 'Connection: close\r\nContent-Length: 1\r\n' }
] as const

/**
 * What nginx 1.22 passes on as HTTP/0.9, or in a framing of its own choosing, or
 * not at all: a client cannot know where it ends. Newer versions of nginx refuse
 * most of it too.
 */
const REFUSED: ReadonlySet<string> = new Set([
  ...[
    'HTTP/1.1 200.1 OK', 'HTTP/1.1 200OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1 -200 OK', 'HTTP/1.1 OK', 'HTTP/1.1', 'HTTP/1.1 ', 'HTTP/1.1\t200 OK', 'HTTP/2.0 200 OK', 'HTTP/2 200 OK', 'HTTP/0.9 200 OK', 'HTTP/1 200 OK',
    'http/1.1 200 OK', 'HTTPS/1.1 200 OK', 'ICY 200 OK', 'hello', '', ' HTTP/1.1 200 OK', 'HTTP/1.1 000 Zero', 'HTTP/1.1 099 Low'
  ].map(line => `status line ${JSON.stringify(line)}`),
  ...['+5', '-1', '0x5', '5,5', '5, 5', 'x', '', '5 5', '5.0', '99999999999999999999', '"5"', '5\t'].map(length => `length ${JSON.stringify(length)}`),
  'two lengths, the second longer',
  'field "A: b\\r"',
  'field "HTTP/1.1 200 OK"',
  'CR CR LF',
  'empty lines at the beginning'
])

/** A 204 has no body: what it says of a length stays here (RFC 9110 section 8.6). */
const LENGTHS_OF_NOTHING: ReadonlySet<string> = new Set(['204 with a length', '204 with a body'])

const NONE: ReadonlySet<string> = new Set()

/** An LF alone ends no line of a chunked body: the client is cut off. */
const CUT: ReadonlySet<string> = new Set(['chunks "5\\nhello\\n0\\n\\n"', 'chunks "5\\r\\nhello\\n0\\r\\n\\r\\n"'])

const answerRaw: Answer = (request, socket) => {
  const response = RESPONSES[Number(/^\/raw-(\d+)-/.exec(request.target)?.[1] ?? -1)]
  if (response === undefined) answers.status('200 OK', 'ok')(request, socket)
  else if (response.after === 'keep') socket.write(Buffer.from(response.bytes, 'latin1'))
  else socket.end(Buffer.from(response.bytes, 'latin1'))
}

test('raw answers reach every kind of client as through nginx', { timeout: 120_000 }, async t => {
  const { nginx, router } = await startTwins(t, answerRaw)

  for (const client of CLIENTS) {
    await t.test(client.name, async t => {
      const [expected, found] = await Promise.all([askAll(nginx, client, REFUSED), askAll(router, client, NONE)])

      for (const [index, { name }] of RESPONSES.entries()) {
        const wanted = expected[index]
        const got = found[index]
        if (wanted === undefined) t.equal(got?.status, 502, `${name}: refused`)
        else if (got === undefined) t.fail(`${name}: not asked`)
        else if (CUT.has(name) && client.method !== 'HEAD') t.equal(got.complete && client.version === '1.1', false, `${name}: cut`)
        // What nginx had read and not yet passed on is lost when the upstream fails; here it is passed on before the cut.
        else if (wanted.status === 'none') t.strictSame([got.complete, got.open], [client.version === '1.0' && got.status === 200, false], `${name}: cut`)
        else if (LENGTHS_OF_NOTHING.has(name)) t.strictSame(comparable(got), comparable({ ...wanted, headers: wanted.headers.filter(line => !/^content-length:/i.test(line)) }), `${name}: without it`)
        else t.strictSame(comparable(got), comparable(wanted), name)
      }
    })
  }
})

/** The outcomes, with nothing in the places of those not asked for. */
async function askAll (twin: Twin, client: typeof CLIENTS[number], skipped: ReadonlySet<string>): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const entries = RESPONSES.entries()
  const ask = async (): Promise<void> => {
    for (const [index, { name }] of entries) {
      if (!skipped.has(name)) outcomes[index] = await askOne(twin, client, index)
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, ask))
  return outcomes
}

function askOne (twin: Twin, { method, version, lines }: typeof CLIENTS[number], index: number): Promise<Outcome> {
  const target = `/raw-${index}-`
  return outcome(twin, target, `${method} ${target} HTTP/${version}\r\nHost: a.example.test\r\n${lines}\r\n${method === 'POST' ? 'a' : ''}`, method)
}

/** Our own pages have words of their own; who closes first is compared, what `Connection` says of a kept one is not. */
function comparable ({ status, reason, open, complete, headers, body }: Outcome): unknown {
  const own = status === 502 && !headers.includes('X-A: b')
  return {
    status,
    reason: own ? '' : reason,
    open,
    complete,
    headers: own ? [] : headers.filter(line => !/^(?:server|date): |^connection: keep-alive$/i.test(line)).map(line => line.toLowerCase()).toSorted().map(shortened),
    body: own ? '' : shortened(body)
  }
}

/** Long runs of one letter are told by their length: a difference can then be read. */
function shortened (text: string): string {
  return text.replaceAll(/([a-zA-Z])\1{50,}/g, (run, letter: string) => `${letter}<${run.length}>`)
}

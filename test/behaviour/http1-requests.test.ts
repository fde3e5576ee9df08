/** Hundreds of raw requests to nginx and to the router: status, connection, and what the upstream got. */
import { test } from 'tap'
import { REQUESTS, type RawRequest } from '../fixtures/http1/requests.ts'
import { answers } from '../helpers/backends.ts'
import { outcome, startTwins, type Outcome, type Twin } from '../helpers/twins.ts'

const ORDER = 'refused and closed either way; the first of two faults decides the status'

const CLOSED = 'a close counts, whatever a later line says (RFC 9112 section 9.6)'

const ON_PURPOSE: ReadonlyMap<string, string> = new Map([
  ['unknown coding and a bad path', ORDER],
  ['Connection close, then keep-alive on 1.1', CLOSED],
  ['Connection close, then keep-alive on 1.0', CLOSED],
  ['Connection close, then keep-alive on 1.2', CLOSED]
])

/**
 * Answered without the body, and so without a 100 before it. Whether the body still
 * comes is then the client's choice: nginx waits for it on the same connection, the
 * router closes.
 */
const UNSETTLED = /^Expect: \w+ \/(?!%)/

/** Requests under way at once, to each of the two. */
const WIDTH = 8

test('raw requests are taken, refused and forwarded as nginx does it', { timeout: 120_000 }, async t => {
  const { nginx, router } = await startTwins(t, answers.status('200 OK', 'ok'))

  const [expected, found] = await Promise.all([askAll(nginx), askAll(router)])

  for (const [index, request] of REQUESTS.entries()) {
    const wanted = expected[index]
    const got = found[index]
    if (wanted === undefined || got === undefined) throw new Error(`${request.name} was not asked`)
    const reason = ON_PURPOSE.get(request.name)
    if (reason !== undefined) t.notSame(comparable(got), comparable(wanted), `${request.name} differs on purpose: ${reason}`)
    else if (UNSETTLED.test(request.name)) t.strictSame(comparable(got), { ...comparable(wanted), interim: [], open: false, connection: ['connection: close'] }, `${request.name}: closed`)
    else if (request.mayRefuse && got.status === 400 && !got.open && got.forwarded.length === 0) t.pass(`${request.name}: refused`)
    else t.strictSame(comparable(got), comparable(wanted), request.name)
  }
})

async function askAll (twin: Twin): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const entries = REQUESTS.entries()
  const ask = async (): Promise<void> => {
    for (const [index, request] of entries) outcomes[index] = await askOne(twin, request, index)
  }
  await Promise.all(Array.from({ length: WIDTH }, ask))
  return outcomes
}

function askOne (twin: Twin, { bytes, method }: RawRequest, index: number): Promise<Outcome> {
  const tag = `tag-${index}-`
  return outcome(twin, tag, Buffer.from(bytes.replace('TAG', tag), 'latin1'), method)
}

/** Our own pages have words of their own. */
function comparable ({ status, interim, open, complete, forwarded, headers }: Outcome): object {
  const connection = headers.map(line => line.toLowerCase()).filter(line => line === 'connection: close')
  return { status, interim, open, complete, connection, forwarded: forwarded.map(shortened) }
}

/** Long runs of one letter are told by their length: a difference can then be read. */
function shortened (text: string): string {
  return text.replaceAll(/([a-zA-Z])\1{50,}/g, (run, letter: string) => `${letter}<${run.length}>`)
}

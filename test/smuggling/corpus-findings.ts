/** What the fuzzers of test/fuzz found, each under the name of what was wrong. */
import { ENVELOPE, post, refused, SMUGGLED, taken, type SmugglingCase } from './corpus-parts.ts'

const CODING = ['Transfer-Encoding: chunked']

export const FUZZ_FINDINGS: readonly SmugglingCase[] = [
  refused('found', 'control bytes of an extension were read over', post(CODING, `1\r\n\0\r\n3;\x7f\r\nabc\r\n0\r\n\r\n${SMUGGLED}`)),
  refused('found', 'control bytes of a trailer were read over', post(CODING, `0\r\nX: \x0b\r\n\r\n${SMUGGLED}`)),
  taken('found', 'a keep-alive took back the close before it, and what followed was served', post(['Connection: close', 'Connection: keep-alive', 'Content-Length: 3'], `abc${SMUGGLED}`), [['POST', ENVELOPE, 'abc']]),
  refused('found', 'which fault a head had, a NUL or what stood before it, hung on its reads', `GET ${ENVELOPE} HTTP/2.0\r\nHost: a\r\nX: \0\r\n\r\n${SMUGGLED}`)
]

/**
 * Ways in which servers are known to read HTTP/1 too generously. Each reads the same
 * bytes; where all of them, and a strict parser, see the same requests, no server
 * behind the router can be talked into seeing others.
 */

export interface Personality {
  readonly name: string
  /** What ends a line, beside CRLF. */
  readonly lineEnds: 'crlf' | 'lf' | 'cr or lf'
  /** Whether a folded line goes on with the one before; else it is a field of its own. */
  readonly unfolds: boolean
  /** What counts when there are both framings. */
  readonly prefers: 'coding' | 'length'
  /** Which of several lengths counts. */
  readonly takes: 'first' | 'last'
  /** Whether a chunk's extension may hold what ends a line. */
  readonly endsSizeAt: 'line end' | 'crlf'
  /** Whether a last chunk ends the body, whatever follows its line. */
  readonly readsTrailers: boolean
}

export interface SeenRequest {
  readonly method: string
  readonly target: string
  /** Latin1. */
  readonly body: string
  /** As received, from its first byte to its last; latin1. */
  readonly raw: string
}

export const PERSONALITIES: readonly Personality[] = [
  { name: 'coding first', lineEnds: 'lf', unfolds: true, prefers: 'coding', takes: 'last', endsSizeAt: 'line end', readsTrailers: true },
  { name: 'length first', lineEnds: 'lf', unfolds: false, prefers: 'length', takes: 'first', endsSizeAt: 'line end', readsTrailers: false },
  { name: 'CR ends a line', lineEnds: 'cr or lf', unfolds: true, prefers: 'coding', takes: 'first', endsSizeAt: 'line end', readsTrailers: true },
  { name: 'CRLF only, the rest is text', lineEnds: 'crlf', unfolds: false, prefers: 'coding', takes: 'last', endsSizeAt: 'crlf', readsTrailers: true },
  { name: 'length only', lineEnds: 'crlf', unfolds: true, prefers: 'length', takes: 'last', endsSizeAt: 'crlf', readsTrailers: false }
]

const LINE_ENDS = { crlf: /\r\n/g, lf: /\r?\n/g, 'cr or lf': /\r\n|\r|\n/g } as const
/** What somebody strips from names and values: blanks, controls, quotes, what is no ASCII. */
const STRIPPED = /^[^!#-&(-~]+|[^!#-&(-~]+$/g

/** The requests that are complete in `stream`, as the personality reads it. */
export function readAs (personality: Personality, stream: string): SeenRequest[] {
  const seen: SeenRequest[] = []
  for (let at = 0; at < stream.length;) {
    while (stream[at] === '\r' || stream[at] === '\n') at++
    const request = readOne(personality, stream, at)
    if (request === null) break
    seen.push(request)
    at += request.raw.length
  }
  return seen
}

function readOne (personality: Personality, stream: string, start: number): SeenRequest | null {
  const lines: string[] = []
  let at = start
  for (;;) {
    const line = nextLine(personality, stream, at)
    if (line === null) return null
    at = line.end
    if (line.text === '') break
    if (personality.unfolds && /^[ \t]/.test(line.text) && lines.length > 1) lines.push(`${lines.pop()}${line.text}`)
    else lines.push(line.text)
  }
  const [method = '', target = ''] = (lines[0] ?? '').split(/[ \t\v\f]+/)
  const body = bodyOf(personality, lines.slice(1), stream, at)
  return body === null ? null : { method, target, body: body.text, raw: stream.slice(start, body.end) }
}

function nextLine ({ lineEnds }: Personality, stream: string, start: number): { text: string, end: number } | null {
  const ends = LINE_ENDS[lineEnds]
  ends.lastIndex = start
  const found = ends.exec(stream)
  return found === null ? null : { text: stream.slice(start, found.index), end: found.index + found[0].length }
}

function bodyOf (personality: Personality, lines: readonly string[], stream: string, at: number): { text: string, end: number } | null {
  let chunked = false
  const lengths: number[] = []
  for (const line of lines) {
    const colon = /[:\s]/.exec(line.trimStart())
    if (colon === null) continue
    const name = line.trimStart().slice(0, colon.index).replaceAll(STRIPPED, '').replaceAll(/[_\s.\\]/g, '-').toLowerCase()
    const value = line.trimStart().slice(colon.index + 1).replaceAll(STRIPPED, '')
    if (name === 'transfer-encoding' && /chunk/i.test(value)) chunked = true
    if (name === 'content-length') lengths.push(Math.max(0, Number.parseInt(value.replaceAll('_', ''), value.startsWith('0x') ? 16 : 10) || 0))
  }
  const length = personality.takes === 'first' ? lengths[0] : lengths.at(-1)
  if (chunked && (personality.prefers === 'coding' || length === undefined)) return chunksOf(personality, stream, at)
  const end = at + (length ?? 0)
  return end > stream.length ? null : { text: stream.slice(at, end), end }
}

function chunksOf (personality: Personality, stream: string, start: number): { text: string, end: number } | null {
  const sizes = personality.endsSizeAt === 'crlf' ? { ...personality, lineEnds: 'crlf' as const } : personality
  let text = ''
  for (let at = start; ;) {
    const line = nextLine(sizes, stream, at)
    if (line === null) return null
    const size = Math.max(0, Number.parseInt(line.text.replaceAll('_', ''), 16) || 0)
    at = line.end
    if (size === 0) {
      for (;;) {
        const trailer = nextLine(personality, stream, at)
        if (trailer === null) return personality.readsTrailers ? null : { text, end: at }
        if (!personality.readsTrailers) return { text, end: trailer.text === '' ? trailer.end : at }
        at = trailer.end
        if (trailer.text === '') return { text, end: at }
      }
    }
    if (at + size > stream.length) return null
    text += stream.slice(at, at + size)
    at += size
    const rest = nextLine(personality, stream, at)
    if (rest === null) return null
    if (rest.text === '') at = rest.end
  }
}

/**
 * The path a request is routed by: percent-decoded once, slashes merged, dot
 * segments resolved, query and fragment cut off. The target itself is forwarded
 * as it came; this is only for deciding where to.
 *
 * Follows ngx_http_parse_complex_uri of nginx 1.22 byte for byte. A target with
 * nothing to normalise, which is nearly every one, is only sliced.
 */

export interface NormalisedTarget {
  /** Starts with `/`. Decoded bytes, one character each. */
  readonly path: string
  /** Raw, without the `?`; `''` for a lone `?`, `null` without one. Ends before a `#`. */
  readonly query: string | null
}

const HASH = 0x23
const PERCENT = 0x25
const DOT = 0x2e
const SLASH = 0x2f
const QUESTION = 0x3f

/**
 * The path and the query of a request target in origin form.
 *
 * @param target - One character per byte (latin1). Control characters and spaces are the parser's to refuse.
 * @returns `null` where nginx answers 400: no leading `/`, a bad or truncated `%`, `%00`, `..` above the root.
 */
export function normalisePath (target: string): NormalisedTarget | null {
  if (target.charCodeAt(0) !== SLASH) return null
  for (let i = 0; i < target.length; i++) {
    switch (target.charCodeAt(i)) {
      case SLASH: {
        const next = target.charCodeAt(i + 1)
        if (next === SLASH || next === DOT) return normaliseComplex(target)
        break
      }
      case PERCENT:
      case HASH:
        return normaliseComplex(target)
      case QUESTION:
        return { path: target.slice(0, i), query: queryAfter(target, i) }
    }
  }
  return { path: target, query: null }
}

function queryAfter (target: string, question: number): string {
  const hash = target.indexOf('#', question)
  return hash === -1 ? target.slice(question + 1) : target.slice(question + 1, hash)
}

/** What the bytes since the last slash are so far: none, `.`, `..` or anything else. */
type Segment = 'empty' | 'dot' | 'dot-dot' | 'other'

function normaliseComplex (target: string): NormalisedTarget | null {
  // Decoding only ever shortens.
  const out = Buffer.allocUnsafe(target.length)
  let length = 0
  let segment: Segment = 'other'
  let query: string | null = null

  for (let i = 0; i < target.length; i++) {
    let byte = target.charCodeAt(i)
    if (byte === PERCENT) {
      byte = hexPair(target, i + 1)
      if (byte <= 0) return null
      i += 2
      // A decoded slash or dot counts as one; a decoded delimiter is part of the name.
    } else if (byte === QUESTION) {
      query = queryAfter(target, i)
      break
    } else if (byte === HASH) {
      break
    }

    if (byte === SLASH) {
      if (segment === 'empty') continue
      if (segment === 'other') out[length++] = SLASH
      else length = resolveDots(out, length, segment)
      if (length < 0) return null
      segment = 'empty'
      continue
    }

    out[length++] = byte
    if (byte !== DOT) segment = 'other'
    else if (segment === 'empty') segment = 'dot'
    else if (segment === 'dot') segment = 'dot-dot'
    else segment = 'other'
  }

  length = resolveDots(out, length, segment)
  return length < 0 ? null : { path: out.toString('latin1', 0, length), query }
}

/** The length without a last segment of dots: up to `/a/` for both `/a/.` and `/a/b/..`; -1 above the root. */
function resolveDots (out: Buffer, length: number, segment: Segment): number {
  if (segment === 'dot') return length - 1
  if (segment !== 'dot-dot') return length
  for (let i = length - 4; i >= 0; i--) {
    if (out[i] === SLASH) return i + 1
  }
  return -1
}

/** The byte written as two hex digits at `index`; -1 if they are not, or not there. */
function hexPair (target: string, index: number): number {
  const high = hexDigit(target.charCodeAt(index))
  const low = hexDigit(target.charCodeAt(index + 1))
  return high < 0 || low < 0 ? -1 : high << 4 | low
}

/** @param code - NaN past the end of the string. */
function hexDigit (code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

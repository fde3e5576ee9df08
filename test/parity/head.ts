/** Message heads, read as leniently as a witness should: nothing is judged here, only written down. */
import type { Header } from './types.ts'

const HEAD_END = Buffer.from('\r\n\r\n')

export interface Head {
  readonly line: string
  readonly headers: Header[]
}

/** Cuts one head off the front; `null` until it is complete. Values keep their trailing space. */
export function takeHead (input: Buffer): { head: Head, rest: Buffer } | null {
  const end = input.indexOf(HEAD_END)
  if (end < 0) return null
  const [line = '', ...lines] = input.toString('latin1', 0, end).split('\r\n')
  return { head: { line, headers: lines.map(parseHeader) }, rest: input.subarray(end + HEAD_END.length) }
}

function parseHeader (line: string): Header {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+/, '')]
}

/** Every value of a header, `name` in lower case. */
export function valuesOf (headers: readonly Header[], name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
}

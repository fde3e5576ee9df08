/** Turns the byte descriptions of a case into bytes. Cases stay plain data that way. */
import type { Bytes } from './types.ts'

export function expand (bytes: Bytes): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'latin1')
  if (isList(bytes)) return Buffer.concat(bytes.map(expand))
  if ('rep' in bytes) return Buffer.alloc(bytes.n * bytes.rep.length, bytes.rep, 'latin1')
  if ('hex' in bytes) return Buffer.from(bytes.hex, 'hex')
  if ('rnd' in bytes) return random(bytes.rnd, bytes.seed)
  return chunked(bytes.chunks, bytes.size)
}

/** `Array.isArray` does not narrow a readonly array. */
function isList (bytes: Exclude<Bytes, string>): bytes is readonly Bytes[] {
  return Array.isArray(bytes)
}

/** Bytes that look random and are the same in every run (a linear congruential generator). */
function random (length: number, seed: number): Buffer {
  const out = Buffer.alloc(length)
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    out[i] = state >>> 24
  }
  return out
}

/** A whole chunked body: `count` chunks of `size` bytes. */
function chunked (count: number, size: number): Buffer {
  const chunk = Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), Buffer.alloc(size, 'a'), Buffer.from('\r\n')])
  return Buffer.concat([Buffer.alloc(chunk.length * count, chunk), Buffer.from('0\r\n\r\n')])
}

/** What a socket without an encoding delivers is bytes; its type says it could be text. */
export function received (data: string | Buffer): Buffer {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data
}

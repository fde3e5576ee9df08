import type { Writable } from 'node:stream'
import type { WriteText } from '../access-log.ts'

/** Writes the access log to a stream. A reader that has gone ends the log, not the router. */
export function writeTo (stream: Writable): WriteText {
  stream.on('error', () => {})
  return (text, done) => { stream.write(text, 'latin1', () => { done() }) }
}

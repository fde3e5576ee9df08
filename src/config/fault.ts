import { printable } from '../printable.ts'

/** One thing that is wrong in a configuration file, and where. */
export interface Fault {
  readonly file: string
  /** From 1; 0 when the fault is the file as a whole. */
  readonly line: number
  /** From 1; 0 when the fault is the file as a whole. */
  readonly column: number
  /** What is wrong, and after a semicolon what to write instead. Never holds a mapped path. */
  readonly message: string
}

/** Of a message: it may repeat a name of any length. */
const MAX_CHARACTERS = 1000

/**
 * `file:line:column: message`, the form editors and terminals turn into a link. Always one line, whatever stands in
 * the file and is repeated.
 */
export function formatFault ({ file, line, column, message }: Fault): string {
  const words = message.length > MAX_CHARACTERS ? `${message.slice(0, MAX_CHARACTERS)}…` : message
  return printable(line === 0 ? `${file}: ${words}` : `${file}:${line}:${column}: ${words}`)
}

/** Nobody mends more at once. */
const MAX_FAULTS = 200

/** @param faults - In the order they are told. */
export function fewer (faults: readonly Fault[]): readonly Fault[] {
  const next = faults[MAX_FAULTS]
  return next === undefined ? faults : [...faults.slice(0, MAX_FAULTS), { ...next, message: `${faults.length - MAX_FAULTS} more faults from here on; mend those above first` }]
}

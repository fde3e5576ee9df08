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

/** `file:line:column: message`, the form editors and terminals turn into a link. */
export function formatFault ({ file, line, column, message }: Fault): string {
  return line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`
}

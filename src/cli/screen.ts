/**
 * A screen of a terminal that is drawn again and again: the alternate one, so that what
 * stood there before is there again afterwards. Lines are cut to the window.
 */
import type { StatusLine } from '../status/text.ts'
import type { Output } from './command.ts'
import { wrap } from './help.ts'

export interface Screen {
  /** @param paint - What is done to each line that is shown; it must not make it wider. */
  draw (lines: readonly StatusLine[], paint: (text: string, kind: StatusLine['kind']) => string): void
  /** Gives the terminal back. */
  close (): void
}

// ECMA-48, and xterm's control sequences.
const OPEN = '\x1b[?1049h\x1b[?25l'
const CLOSE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const REST_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'
const COLOURS: Readonly<Record<StatusLine['kind'], string>> = { ok: '32', warning: '33', trouble: '1;31', heading: '1', quiet: '2', plain: '' }

export function createScreen (output: Output): Screen {
  output.write(OPEN)
  return {
    draw (lines, paint) {
      const { columns = 80, rows = 24 } = output
      const shown = fit(lines, columns, rows).map(({ text, kind }) => `${paint(text, kind)}${REST_OF_LINE}`)
      output.write(`${HOME}${shown.join('\r\n')}${REST_OF_SCREEN}`)
    },
    close () { output.write(CLOSE) }
  }
}

/** What of it the window has room for; sentences are wrapped, and the last line stays. */
export function fit (lines: readonly StatusLine[], columns: number, rows: number): StatusLine[] {
  const wrapped = lines.flatMap(({ text, kind }) => isSentence(text) ? wrap(text, '  ', columns).map(part => ({ text: cut(part, columns), kind })) : [{ text: cut(text, columns), kind }])
  const last = wrapped.at(-1)
  if (wrapped.length <= rows || last === undefined) return wrapped
  const hidden = wrapped.length - rows + 1
  return [...wrapped.slice(0, Math.max(rows - 2, 0)), { text: cut(`… ${hidden} more lines; make the window taller, or see them with: status`, columns), kind: 'quiet' as const }, last].slice(0, rows)
}

/** Rows of a table have gaps that must stay. */
function isSentence (text: string): boolean {
  return !/\S {2}/.test(text)
}

function cut (text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(columns - 1, 0))}…`
}

export function colour (text: string, kind: StatusLine['kind']): string {
  return text === '' || COLOURS[kind] === '' ? text : `\x1b[${COLOURS[kind]}m${text}\x1b[0m`
}

/**
 * Keeps account of what became of every directive, so that none can be lost in silence:
 * whatever nobody has spoken for by the end is listed as being without effect.
 */
import type { Fault } from '../fault.ts'
import { withDescendants, type Directive } from './parser.ts'
import type { Place } from './tokenizer.ts'

export interface Outcome {
  readonly directive: Directive
  readonly kind: 'mapped' | 'none' | 'fault'
  /** Our option, the reason, or the message of the fault. */
  readonly detail: string
}

export interface Account {
  /** Its meaning is in `to` of the result. */
  mapped (directive: Directive, to: string): void
  /** It, and what is in its block, changes nothing here. */
  none (directive: Directive, why: string): void
  /** It cannot be carried over. Says so once, however many places it holds for. */
  fault (directive: Directive, message: string, place?: Place): void
  /** Whether it, or something in its block, is a fault: then what seems to be missing from it may only be wrong. */
  isFaulty (directive: Directive): boolean
  /** A file that cannot be read to its end. */
  syntax (fault: Fault): void
  /** For the reader, not about one directive; each text once. */
  note (text: string): void
  readonly faults: readonly Fault[]
  readonly notes: readonly string[]
  /** What became of it; `undefined` while nobody has said. */
  outcome (directive: Directive): Outcome | undefined
}

const RANK = { none: 0, mapped: 1, fault: 2 } as const

export function openAccount (): Account {
  const outcomes = new Map<Directive, Outcome>()
  const faults: Fault[] = []
  const said = new Set<string>()
  const notes = new Set<string>()

  const set = (directive: Directive, kind: Outcome['kind'], detail: string): void => {
    const before = outcomes.get(directive)
    if (before === undefined || RANK[kind] > RANK[before.kind]) outcomes.set(directive, { directive, kind, detail })
  }

  return {
    mapped: (directive, to) => set(directive, 'mapped', to),
    none (directive, why) {
      for (const each of withDescendants(directive)) set(each, 'none', why)
    },
    fault (directive, message, place = directive) {
      for (const each of withDescendants(directive)) set(each, 'fault', message)
      const key = JSON.stringify([directive.file, place.line, place.column, message])
      if (!said.has(key)) faults.push({ file: directive.file, line: place.line, column: place.column, message })
      said.add(key)
    },
    isFaulty: directive => withDescendants(directive).some(each => outcomes.get(each)?.kind === 'fault'),
    syntax: fault => { faults.push(fault) },
    note: text => { notes.add(text) },
    faults,
    get notes () { return [...notes] },
    outcome: directive => outcomes.get(directive)
  }
}

/** `gzip off`, on one line and short enough for a comment or a message. */
export function describe ({ name, args }: Directive): string {
  const text = [name, ...args.map(arg => arg === '' || /[\s;{}"']/.test(arg) ? JSON.stringify(arg) : arg)].join(' ')
  const printable = text.replaceAll(/[^\x20-\x7e\xa1-\u02ff\u0370-\u1fff\u3000-\ud7ff]/g, '?')
  return printable.length > 60 ? `${printable.slice(0, 57)}...` : printable
}

/** The forms of the report, each as text in parts: the list of copies may be long. */
import { renderCsv } from './csv.ts'
import type { MissingCopy } from './missing.ts'
import type { HourReport, Report } from './report.ts'
import { LISTED, renderMarkdown, renderText } from './text.ts'

/** By the ending of the page that has it: `/report.md`. */
export const REPORT_FORMS = { txt: 'text/plain', md: 'text/markdown', csv: 'text/csv', json: 'application/json' } as const

export type ReportForm = keyof typeof REPORT_FORMS

/** What may be long, in parts; whatever a form does not need is not asked for. */
export interface ReportLists {
  readonly hours: AsyncIterable<readonly HourReport[]>
  /** Those not delivered. */
  readonly copies: AsyncIterable<readonly MissingCopy[]>
}

export async function * renderReport (form: ReportForm, report: Report, { hours, copies }: ReportLists): AsyncGenerator<string> {
  switch (form) {
    case 'txt':
      yield renderText(report, await firstOf(copies))
      break
    case 'md':
      yield renderMarkdown(report, await firstOf(copies))
      break
    case 'csv':
      yield * renderCsv(report, copies)
      break
    case 'json':
      yield * renderJson(report, hours, copies)
      break
  }
}

async function firstOf (copies: AsyncIterable<readonly MissingCopy[]>): Promise<MissingCopy[]> {
  const first: MissingCopy[] = []
  for await (const part of copies) {
    first.push(...part)
    if (first.length >= LISTED) break
  }
  return first.slice(0, LISTED)
}

/** One document: the report, with the lists as its last members, a line for each of theirs. */
async function * renderJson (report: Report, hours: ReportLists['hours'], copies: ReportLists['copies']): AsyncGenerator<string> {
  yield `${JSON.stringify(report, null, 2).slice(0, -2)},\n  "hours": [`
  yield * jsonLines(hours)
  yield '\n  ],\n  "notDelivered": ['
  yield * jsonLines(copies)
  yield '\n  ]\n}\n'
}

async function * jsonLines (parts: AsyncIterable<readonly object[]>): AsyncGenerator<string> {
  let separator = '\n    '
  for await (const part of parts) {
    yield part.map(member => {
      const line = separator + JSON.stringify(member)
      separator = ',\n    '
      return line
    }).join('')
  }
}

/** The forms of the report, each as text in parts: the list of copies may be long. */
import { renderCsv } from './csv.ts'
import type { MissingCopy } from './missing.ts'
import type { Report } from './report.ts'
import { LISTED, renderMarkdown, renderText } from './text.ts'

/** By the ending of the page that has it: `/report.md`. */
export const REPORT_FORMS = { txt: 'text/plain', md: 'text/markdown', csv: 'text/csv', json: 'application/json' } as const

export type ReportForm = keyof typeof REPORT_FORMS

/** @param copies - Those not delivered; a form for people takes only the first of them. */
export async function * renderReport (form: ReportForm, report: Report, copies: AsyncIterable<readonly MissingCopy[]>): AsyncGenerator<string> {
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
      yield * renderJson(report, copies)
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

/** One document: the report, with the copies as its last member, one to a line. */
async function * renderJson (report: Report, copies: AsyncIterable<readonly MissingCopy[]>): AsyncGenerator<string> {
  yield `${JSON.stringify(report, null, 2).slice(0, -2)},\n  "notDelivered": [`
  let separator = '\n    '
  for await (const part of copies) {
    yield part.map(copy => {
      const line = separator + JSON.stringify(copy)
      separator = ',\n    '
      return line
    }).join('')
  }
  yield '\n  ]\n}\n'
}

/**
 * The completeness report over HTTP, on the admin listener:
 *
 *   GET /report.json?since=24h&project=     also .csv, .md and .txt
 *
 * The header `Report-Complete` says `true` or `false` before the report begins.
 */
import type { FastifyInstance } from 'fastify'
import { Readable } from 'node:stream'
import { collectReport, type ReportRequest, type ReportSource } from '../report/collect.ts'
import { REPORT_FORMS, type ReportForm } from '../report/render.ts'
import { DEFAULT_SINCE, parseSince, SINCE_EXPECTED } from '../report/window.ts'

export const COMPLETE_HEADER = 'report-complete'

export interface ReportRouteOptions {
  readonly source: ReportSource
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Before `listen`. */
export function registerReportRoutes (app: FastifyInstance, { source, now }: ReportRouteOptions): void {
  for (const form of Object.keys(REPORT_FORMS) as ReportForm[]) {
    app.get(`/report.${form}`, async (request, reply) => {
      const nowMs = now()
      const asked = readRequest(form, request.query as Readonly<Record<string, unknown>>, nowMs)
      if (typeof asked === 'string') return reply.code(400).send({ error: 'bad_request', message: asked })
      const { complete, text } = await collectReport(source, asked, nowMs)
      return reply.type(`${REPORT_FORMS[form]}; charset=utf-8`).header(COMPLETE_HEADER, String(complete)).send(Readable.from(text))
    })
  }
}

/** @returns What is wrong with it, as a sentence, when it makes no sense. */
function readRequest (form: ReportForm, query: Readonly<Record<string, unknown>>, nowMs: number): ReportRequest | string {
  for (const name of Object.keys(query)) {
    if (name !== 'since' && name !== 'project') return `${name}: unknown parameter; there are since and project.`
  }
  const { since = DEFAULT_SINCE, project } = query
  if (project !== undefined && typeof project !== 'string') return 'project: expected one id.'
  const sinceMs = typeof since === 'string' ? parseSince(since, nowMs) : null
  if (sinceMs === null) return `since: ${SINCE_EXPECTED}.`
  return { form, sinceMs, project: project === '' ? undefined : project }
}

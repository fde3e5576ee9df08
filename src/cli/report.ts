/** `report`: is everything that was copied delivered? Of a running router or, when none runs, of the spool it left. */
import { COMPLETE_HEADER } from '../admin/report-route.ts'
import type { AdminConfig, Config } from '../config/config.ts'
import { collectReport, type ReportRequest, type ReportSource } from '../report/collect.ts'
import type { ReportForm } from '../report/render.ts'
import { DEFAULT_SINCE, parseSince, SINCE_EXPECTED } from '../report/window.ts'
import { adminFetch, refusal } from './admin-client.ts'
import { CommandError, CONFIG_OPTION, loadConfig, readArguments, UsageError, type Command, type Io } from './command.ts'
import { reachSpool } from './reach-spool.ts'

/** A spool that is read without its router. */
export interface OpenReportSource extends ReportSource {
  close (): void | Promise<void>
}

export interface ReportCommandOptions {
  /** @param path - `spool.path`. */
  readonly openSource: (path: string) => Promise<OpenReportSource>
}

const OPTIONS = {
  since: { type: 'string', value: 'TIME', description: `Copies taken since then: how long ago (24h, 7d), or a date in UTC (2026-08-20, 2026-08-20T14:00). Whole hours count. Default: ${DEFAULT_SINCE}.` },
  project: { type: 'string', value: 'ID', description: 'Only this project: an id listed under mirror.projects, or default.' },
  json: { type: 'boolean', description: 'Print one JSON object, with every hour and every copy not delivered.' },
  csv: { type: 'boolean', description: 'Print CSV: a record per project, and one per copy not delivered.' },
  markdown: { type: 'boolean', description: 'Print Markdown.' },
  ...CONFIG_OPTION
} as const

export function createReportCommand ({ openSource }: ReportCommandOptions): Command {
  return {
    name: 'report',
    summary: 'Show what was copied, what was delivered, and what is missing.',
    usage: 'report [--since TIME] [--project ID] [--json|--csv|--markdown] [--config FILE]',
    options: OPTIONS,
    details: `Per project: requests received, answered 2xx and otherwise by Relay, and skipped by rule; copies taken, delivered, waiting, dead and dropped; and the event ids of those not delivered. Counts are by the hour in which a copy was taken, and are kept for 90 days.

Asks the running router that --config belongs to. When none runs, the spool itself is read.`,
    examples: [
      { line: 'report', does: 'Was everything of the last 24 hours delivered?' },
      { line: 'report --since 7d --project 1', does: 'What of project 1 within a week?' },
      { line: 'report --since 2026-08-20 --csv > report.csv', does: 'A table for the record.' }
    ],
    exitCodes: {
      0: 'Complete.',
      1: 'Something is missing, also when it only waits; or no report can be made.'
    },

    async run (args, io) {
      const { values } = readArguments(args, OPTIONS)
      const nowMs = Date.now()
      const since = values.since ?? DEFAULT_SINCE
      const sinceMs = parseSince(since, nowMs)
      if (sinceMs === null) throw new UsageError(`--since ${since}: ${SINCE_EXPECTED}`)
      const request = { form: formOf(values), sinceMs, project: values.project }

      const config = await loadConfig(values.config, io)
      return await print(request, config, { openSource, io, nowMs }) ? 0 : 1
    }
  }
}

function formOf ({ json, csv, markdown }: { readonly json?: boolean, readonly csv?: boolean, readonly markdown?: boolean }): ReportForm {
  const asked = [json === true && 'json', csv === true && 'csv', markdown === true && 'md'].filter(form => form !== false)
  if (asked.length > 1) throw new UsageError('only one of --json, --csv and --markdown can be had at a time')
  return (asked[0] ?? 'txt') as ReportForm
}

interface Stage extends ReportCommandOptions {
  readonly io: Io
  readonly nowMs: number
}

/** @returns Whether the report is complete. @throws {CommandError} */
async function print (request: ReportRequest, config: Config, { openSource, io, nowMs }: Stage): Promise<boolean> {
  const { running, source } = await reachSpool(config, openSource)
  return running ? await printRemote(config.admin, request, io) : await printOffline(source, request, io, nowMs)
}

async function printRemote (admin: AdminConfig, { form, sinceMs, project }: ReportRequest, io: Io): Promise<boolean> {
  const search = new URLSearchParams({ since: new Date(sinceMs).toISOString() })
  if (project !== undefined) search.set('project', project)
  const response = await adminFetch(admin, `/report.${form}?${search.toString()}`, { timeoutMs: null })
  if (!response.ok || response.body === null) throw new CommandError(refusal(admin, response, await response.json().catch(() => null)))
  try {
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) io.stdout.write(text)
    return response.headers.get(COMPLETE_HEADER) === 'true'
  } catch (error) {
    throw new CommandError(`The router did not answer to the end (${messageOf(error)}); what is printed is not the whole report. Ask again.`, { cause: error })
  }
}

async function printOffline (source: OpenReportSource, request: ReportRequest, io: Io, nowMs: number): Promise<boolean> {
  try {
    const { complete, text } = await collectReport(source, request, nowMs)
    for await (const part of text) io.stdout.write(part)
    return complete
  } finally {
    await source.close()
  }
}

function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export const report = createReportCommand({
  async openSource (path) {
    const [{ openLeftSpool }, { createReportSource }] = await Promise.all([import('./open-spool.ts'), import('../report/spool-source.ts')])
    const reader = await openLeftSpool(path)
    return { ...createReportSource(reader), close: () => reader.close() }
  }
})

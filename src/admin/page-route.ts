/**
 * The status page on the admin listener:
 *
 *   GET /                     the page, with all that is known now
 *   GET /assets/<hash>/…      what it loads; kept by browsers for ever
 *   GET /completeness.json    the numbers of the report, of the last 24 hours
 */
import type { FastifyInstance } from 'fastify'
import type { PageAssets } from '../page/assets.ts'
import { renderDocument } from '../page/document.ts'
import type { Report } from '../report/report.ts'
import type { StatusSource } from '../status/source.ts'

export interface PageRouteOptions {
  readonly assets: PageAssets
  readonly source: Pick<StatusSource, 'status' | 'history'>
  /** Of the last 24 hours; `null` when nothing is mirrored. */
  readonly report: () => Promise<Report | null>
}

/** Scripts and styles are files of ours; nothing is inline, nothing comes from elsewhere. */
const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
  "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"
].join('; ')

/** Before `listen`. */
export function registerPageRoutes (app: FastifyInstance, { assets, source, report }: PageRouteOptions): void {
  app.get('/', async (_request, reply) => {
    const [status, history, lastDay] = await Promise.all([source.status(), orNull(source.history('1h')), orNull(report())])
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', POLICY)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-store')
      .send(renderDocument({ status, history, report: lastDay, clock: { now: status.at } }, assets.base))
  })

  for (const [path, { type, body }] of assets.files) {
    app.get(`${assets.base}/${path}`, async (_request, reply) => reply
      .type(type)
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(body))
  }

  app.get('/completeness.json', async (_request, reply) => reply.header('cache-control', 'no-store').type('application/json').send(JSON.stringify(await report())))
}

/** A spool that cannot be read is no reason to show nothing: the page says what is missing. */
function orNull <Value> (value: Promise<Value>): Promise<Value | null> {
  return value.catch(() => null)
}

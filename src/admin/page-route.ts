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
  /** Asked once, when somebody wants the page: to make them loads what is large (Node's stripper of types). */
  readonly loadAssets: () => Promise<PageAssets>
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
export function registerPageRoutes (app: FastifyInstance, { loadAssets, source, report }: PageRouteOptions): void {
  let loading: Promise<PageAssets> | null = null
  const assets = (): Promise<PageAssets> => loading ??= loadAssets()

  app.get('/', async (_request, reply) => {
    const [{ base }, status, history, lastDay] = await Promise.all([assets(), source.status(), orNull(source.history('1h')), orNull(report())])
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', POLICY)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-store')
      .send(renderDocument({ status, history, report: lastDay, clock: { now: status.at } }, base))
  })

  app.get<{ Params: { '*': string } }>('/assets/*', async (request, reply) => {
    const { base, files } = await assets()
    const path = `/assets/${request.params['*']}`
    const asset = path.startsWith(`${base}/`) ? files.get(path.slice(base.length + 1)) : undefined
    if (asset === undefined) {
      reply.callNotFound()
      return reply
    }
    return reply
      .type(asset.type)
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(asset.body)
  })

  app.get('/completeness.json', async (_request, reply) => reply.header('cache-control', 'no-store').type('application/json').send(JSON.stringify(await report())))
}

/** A spool that cannot be read is no reason to show nothing: the page says what is missing. */
function orNull <Value> (value: Promise<Value>): Promise<Value | null> {
  return value.catch(() => null)
}

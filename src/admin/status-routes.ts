/**
 * The status as data, on the admin listener; docs/status.md describes it.
 *
 *   GET /status.json
 *   GET /history.json?window=1h      also 24h and 14d
 *   GET /events                      server-sent events: the status, at once and every second
 */
import type { FastifyInstance } from 'fastify'
import { HISTORY_WINDOWS, type HistoryWindow } from '../status/status.ts'
import type { StatusSource } from '../status/source.ts'
import { createStatusEvents } from './status-events.ts'

/** Before `listen`. */
export function registerStatusRoutes (app: FastifyInstance, source: Pick<StatusSource, 'status' | 'history'>): void {
  const events = createStatusEvents(() => source.status())
  app.addHook('preClose', async () => { events.close() })

  app.get('/status.json', async (_request, reply) => reply.send(await source.status()))

  app.get('/history.json', async (request, reply) => {
    const { window = '1h' } = request.query as Readonly<Record<string, unknown>>
    const known = HISTORY_WINDOWS.find(name => name === window)
    if (known === undefined) return reply.code(400).send({ error: 'bad_request', message: `window: expected ${alternatives(HISTORY_WINDOWS)}.` })
    return reply.send(await source.history(known))
  })

  // An answer without an end: none to a HEAD.
  app.get('/events', { exposeHeadRoute: false }, (_request, reply) => {
    if (events.isFull()) {
      void reply.code(503).header('retry-after', '10').send({ error: 'too_many_listeners', message: 'Too many listen already. Close other status pages, or ask /status.json.' })
      return
    }
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
    // Not kept by whoever stands between: nginx buffers answers unless told otherwise.
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    events.add(reply.raw)
  })
}

function alternatives (windows: readonly HistoryWindow[]): string {
  return `${windows.slice(0, -1).join(', ')} or ${windows.at(-1) ?? ''}`
}

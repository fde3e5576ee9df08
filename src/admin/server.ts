/**
 * The admin listener: metrics, and whether the process lives and is ready. Never
 * reachable through the listeners that clients use. docs/admin.md lists all routes.
 */
import Fastify, { type FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import { guard, type AccessRules, type AdminRoute } from './guard.ts'
import type { DeepHealth } from './judge-health.ts'

export type Readiness = 'ready' | 'starting' | 'draining'

export interface AdminServerOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Who may ask what; those in force now. Without them nobody is asked for a token. */
  readonly access?: () => AccessRules
  readonly readiness: () => Readiness
  /** What `/readyz?deep=1` answers; without it, the same as `/readyz`. */
  readonly deepHealth?: () => Promise<DeepHealth>
  readonly metrics: {
    readonly contentType: string
    render (): Promise<string>
  }
}

export interface AdminServer {
  /** For further routes; before `listen`. */
  readonly app: FastifyInstance
  /** Complete once it listens. */
  readonly routes: readonly AdminRoute[]
  /** @throws When the port cannot be had. */
  listen (): Promise<void>
  /** The port it listens on; 0 before `listen`. */
  port (): number
  close (): Promise<void>
}

const OPEN = { config: { access: 'open' } } as const

export function createAdminServer (options: AdminServerOptions): AdminServer {
  const { host, readiness, deepHealth, metrics, access = () => ({ host, hosts: [], token: null }) } = options
  const app = Fastify({ forceCloseConnections: true })
  const routes = guard(app, access)

  app.get('/healthz', OPEN, async (_request, reply) => reply.type('text/plain').send('ok\n'))

  app.get('/readyz', OPEN, async (request, reply) => {
    if (deepHealth !== undefined && (request.query as { deep?: unknown }).deep === '1') {
      const health = await deepHealth()
      return reply.code(health.ready ? 200 : 503).send(health)
    }
    const word = readiness()
    return reply.code(word === 'ready' ? 200 : 503).type('text/plain').send(`${word}\n`)
  })

  app.get('/metrics', OPEN, async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()))

  app.setNotFoundHandler(async (request, reply) =>
    reply.code(404).send({ error: 'not_found', message: `No ${request.method} ${request.url.replace(/\?.*/s, '')} here.` }))

  return {
    app,
    routes,
    async listen () { await app.listen({ host, port: options.port }) },
    port: () => (app.server.address() as AddressInfo | null)?.port ?? 0,
    close: () => app.close()
  }
}

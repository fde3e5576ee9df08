/**
 * Reload over HTTP, on the admin listener:
 *
 *   POST /-/reload   200 {"result":"success","message":…,"changes":[…]}
 *                    422 {"result":"failure","message":…,"faults":["file:line:column: …"]}
 *
 * The answer comes once every process serves by the new configuration. A body is
 * ignored. Who may ask is decided before (guard.ts).
 */
import type { FastifyInstance } from 'fastify'
import type { Reloader } from '../reload/reloader.ts'

/** What `POST /-/reload` answers. */
export type ReloadAnswer =
  | { readonly result: 'success', readonly message: string, readonly changes: readonly string[] }
  | { readonly result: 'failure', readonly message: string, readonly faults: readonly string[] }

/** Before `listen`. */
export function registerReloadRoute (app: FastifyInstance, { reload }: Pick<Reloader, 'reload'>): void {
  void app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => {
      payload.resume()
      done(null)
    })

    scope.post('/-/reload', async (_request, reply) => {
      const { result, message, changes, faults } = await reload()
      const answer: ReloadAnswer = result === 'success' ? { result, message, changes } : { result, message, faults }
      return reply.code(result === 'success' ? 200 : 422).send(answer)
    })
  })
}

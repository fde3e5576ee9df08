/** What takes the place of dead letters and report where the configuration mirrors nothing: a reason instead of a 404. */
import type { FastifyInstance } from 'fastify'

const PATHS = ['/dead-letters', '/pending', '/report.json', '/report.csv', '/report.md', '/report.txt']

/** Before `listen`. */
export function registerNothingMirroredRoutes (app: FastifyInstance): void {
  for (const path of PATHS) {
    app.get(path, async (_request, reply) =>
      reply.code(409).send({ error: 'nothing_mirrored', message: 'This router mirrors nothing, so there is no spool: its configuration has no mirror section, or mirror.endpoint is off.' }))
  }
}

/**
 * Dead letters over HTTP, on the admin listener:
 *
 *   GET  /dead-letters?project=&reason=&older_than=1h&limit=&after=
 *   GET  /dead-letters/:id          decoded; with ?body=1 the bytes of the body
 *   POST /dead-letters/replay       {"ids": […]}, {"project": …}, …, or {"all": true}
 *   POST /dead-letters/purge        the same
 *   GET  /pending?project=&older_than=&limit=&after=
 *
 * Mapped paths and keys are not shown (dead-letter-view.ts); the bytes of a body are
 * the client's own, and may hold its DSN. Who may ask is decided before (guard.ts).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { open } from 'node:fs/promises'
import type { DeadLetters } from '../spool/types.ts'
import { createDeadLetterDesk, type DeskOptions } from './dead-letter-desk.ts'
import { QueryError, readId, readListRequest, readSelection } from './dead-letter-query.ts'
import { codeOf } from './dead-letter-view.ts'
import { isJson } from './same-site.ts'

type Fields = Readonly<Record<string, unknown>>

/** Before `listen`. */
export function registerDeadLetterRoutes (app: FastifyInstance, options: DeskOptions): void {
  void app.register(async scope => { addRoutes(scope, options) })
}

function addRoutes (scope: FastifyInstance, options: DeskOptions): void {
  const desk = createDeadLetterDesk(options)

  scope.addHook('onRequest', async (request, reply) => {
    if (request.method === 'POST' && !isJson(request.headers['content-type'])) return refuse(reply, 415, 'not_json', 'Send JSON, with Content-Type: application/json.')
  })
  scope.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof QueryError) return refuse(reply, 400, 'bad_request', error.message)
    const status = error.statusCode ?? 500
    return status < 500
      ? refuse(reply, status, 'bad_request', error.message)
      : refuse(reply, 500, 'internal', `The spool did not do it (${codeOf(error)}).`)
  })

  scope.get('/dead-letters', async ({ query: fields }) => {
    const { query, limit, after } = readListRequest(fields as Fields, ['project', 'reason', 'older_than'])
    const { deadLetters, next } = await desk.list(query, limit, after)
    return { dead_letters: deadLetters, next }
  })

  scope.get('/pending', async ({ query: fields }) => {
    const { query, limit, after } = readListRequest(fields as Fields, ['project', 'older_than'])
    return await desk.pending(query, limit, after)
  })

  scope.get('/dead-letters/:id', { config: { access: 'guarded' } }, async (request: FastifyRequest<{ Params: { id: string }, Querystring: Fields }>, reply) => {
    const id = readId(request.params.id)
    if (request.query['body'] === '1') return await sendBody(reply, options.deadLetters, id)
    const details = await desk.show(id)
    return details ?? notFound(reply, id)
  })

  scope.post('/dead-letters/replay', async ({ body }) => {
    const { count, missing } = await desk.replay(readSelection(body))
    return { replayed: count, missing }
  })

  scope.post('/dead-letters/purge', async ({ body }) => {
    const { count, missing } = await desk.purge(readSelection(body))
    return { purged: count, missing }
  })
}

/** Streams a body as it was taken, its content coding included. */
async function sendBody (reply: FastifyReply, deadLetters: DeadLetters, id: string): Promise<FastifyReply> {
  const body = deadLetters.get(id)?.copy.body
  if (body === undefined) return notFound(reply, id)
  void reply.type('application/octet-stream').header('content-disposition', `attachment; filename="${id}"`)
  if (body.file === null) return reply.send(Buffer.concat(body.chunks ?? []))

  body.hold()
  try {
    const handle = await open(body.file)
    return reply.header('content-length', body.length).send(handle.createReadStream().once('close', () => { body.release() }))
  } catch (error) {
    body.release()
    return refuse(reply, 410, 'body_lost', `The body of ${id} cannot be read (${codeOf(error)}).`)
  }
}

function notFound (reply: FastifyReply, id: string): FastifyReply {
  return refuse(reply, 404, 'not_found', `No dead letter has the id ${id}.`)
}

function refuse (reply: FastifyReply, status: number, error: string, message: string): FastifyReply {
  return reply.code(status).type('application/json').send({ error, message })
}

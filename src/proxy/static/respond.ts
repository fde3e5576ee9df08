/** Writes what `serve.ts` decides to the client, no faster than the client reads. */
import type { Exchange } from '../../http1/exchange.ts'
import type { RequestHead } from '../../http1/message.ts'
import type { NormalisedTarget } from '../../routing/normalise.ts'
import type { Route } from '../../routing/table.ts'
import { reasonPhrase, sendPage } from '../error-page.ts'
import type { StaticBody } from './file-body.ts'
import { serveStatic } from './serve.ts'

export interface StaticAnswer {
  readonly head: RequestHead
  readonly target: NormalisedTarget
  readonly root: string
  readonly route: Route
  /** The absolute URL of a 301 to `path`. */
  readonly redirect: (path: string, query: string | null) => string
}

/** Answers from a folder. Rejects when a file fails after the head of its response is out. */
export async function answerStatic (exchange: Exchange, answer: StaticAnswer): Promise<void> {
  const { head, target, root, route } = answer
  const response = await serveStatic(
    { method: head.method, path: target.path, query: target.query, headers: head.headers, redirect: answer.redirect },
    { root, symlinks: route.symlinks, addHeaders: route.addHeaders, types: route.types }
  )
  if (response.close) exchange.keepAlive = false
  const block = headerBlock(response.headers)
  if (response.body !== null) {
    exchange.start({ status: response.status, reason: reasonPhrase(response.status), block, length: response.body.length })
    await send(exchange, response.body)
  } else if (response.status === 304) {
    exchange.start({ status: 304, reason: reasonPhrase(304), block, length: -1 })
    exchange.end()
  } else {
    sendPage(exchange, response.status, block)
  }
}

async function send (exchange: Exchange, body: StaticBody): Promise<void> {
  for await (const piece of body.chunks()) {
    if (exchange.gone) break
    if (!exchange.write(piece)) await drained(exchange)
  }
  await body.close()
  exchange.end()
}

function drained (exchange: Exchange): Promise<void> {
  return new Promise(resolve => {
    exchange.onDrain = resolve
    exchange.onGone = resolve
  })
}

function headerBlock (headers: readonly string[]): string {
  let block = ''
  for (let i = 0; i < headers.length; i += 2) block += `${headers[i]}: ${headers[i + 1]}\r\n`
  return block
}

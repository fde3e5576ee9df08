/**
 * The hot path. Every request goes through five phases, in this order:
 *
 *   route    find the route for the path, in the table in force now
 *   body     read it whole; no upstream is contacted before the last byte
 *   copy     decided by the request alone, taken before the forward
 *   forward  to the upstream and back; the answer waits for the copy to be durable
 *   settle   count the outcome
 *
 * A failure in the first four ends in `settle` too: no request leaves uncounted.
 */
import { ERRORS, type ErrorCode } from '../errors.ts'
import type { Exchange } from '../http1/exchange.ts'
import type { RequestHead } from '../http1/message.ts'
import type { RequestListener } from '../http1/server-connection.ts'
import { decide, type Decision } from '../routing/decide.ts'
import type { NormalisedTarget } from '../routing/normalise.ts'
import type { Route, RouteTable } from '../routing/table.ts'
import { forwardTarget, redirectLocation } from '../routing/target.ts'
import type { BodyReaderOptions } from './body-file.ts'
import { BodyReader, MAX_MEMORY_BYTES } from './body-reader.ts'
import type { ByteBudget } from './byte-budget.ts'
import { sendError, sendPage } from './error-page.ts'
import { Forward } from './forward.ts'
import { upstreamRequestHead } from './headers.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { KeepCopy, ProxyObserver, RefusalReason, Settled } from './ports.ts'
import type { ForwardedBody } from './request-body.ts'
import { RequestPlaces } from './request-places.ts'
import { answerStatic } from './static/respond.ts'
import type { Upstream } from './upstreams.ts'

/** What the configuration in force decides; swapped whole by a reload. */
export interface Rules {
  readonly table: RouteTable
  readonly maxBodyBytes: number
  /** By name. */
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** Name of the upstream that `ui` means, by listener. */
  readonly ui: ReadonlyMap<string, string>
  /** The client's address after real_ip. */
  readonly clientAddress: (peer: string, head: RequestHead) => string
  readonly keepCopy: KeepCopy
  /** Told of every request that these rules were asked for, beside the observer. */
  readonly settled: ProxyObserver['settled']
}

export interface HandlerOptions {
  /** Called once per request, so a reload cannot change the rules half-way. */
  readonly rules: () => Rules
  readonly requestId: () => string
  readonly budget: MemoryBudget
  /** For the files in `bodyFolder`. */
  readonly space: ByteBudget
  /** See `BodyReaderOptions`. */
  readonly writes: BodyReaderOptions['writes']
  /** Requests under way at once. Each connection has one; those whose client has left are the others. See request-places.ts. */
  readonly maxRequests: () => number
  /** Folder for large bodies; exists. */
  readonly bodyFolder: string
  readonly observer: ProxyObserver
}

/** One request on its way; what `settle` needs is filled in as it becomes known. */
interface Request {
  readonly exchange: Exchange
  readonly head: RequestHead
  readonly rules: Rules
  readonly requestId: string
  readonly clientAddress: string
  readonly target: NormalisedTarget
  readonly route: Route
  /** Name; empty when a file is served. */
  readonly upstream: string
}

export function createHandler (options: HandlerOptions): RequestListener {
  const { observer } = options
  const places = new RequestPlaces(options.maxRequests)

  return { onRequest, onMalformed, onHeadAborted: () => { observer.clientAborted('head') } }

  function onMalformed (exchange: Exchange, code: ErrorCode): void {
    sendError(exchange, code)
    settle(exchange, null, 'none', exchange.connection.remoteAddress, '', exchange.status, null)
  }

  function onRequest (exchange: Exchange): void {
    const { head } = exchange
    if (head === null) return
    const rules = options.rules()
    const clientAddress = rules.clientAddress(exchange.connection.remoteAddress, head)
    const decision = decide(head, rules.table, rules.maxBodyBytes)
    if (decision.kind !== 'serve') {
      answer(exchange, head, decision, rules)
      settle(exchange, rules, decision.route?.location ?? 'none', clientAddress, '', exchange.status, null)
      return
    }

    const { target, route } = decision
    const upstream = upstreamOf(route, rules, exchange.connection.listener)
    const refusal = refusalOf(head, upstream, rules)
    if (refusal !== null) {
      observer.refused(refusal)
      sendError(exchange, refusal === 'requests' ? 'OVERLOADED' : 'BODY_NOT_STORED')
      settle(exchange, rules, route.location, clientAddress, '', exchange.status, null)
      return
    }

    const request: Request = { exchange, head, rules, requestId: options.requestId(), clientAddress, target, route, upstream }
    if (route.root === null) readBody(request)
    else serveFile(request, route.root)
  }

  /** Asked before a byte of the body is read: what cannot be served is refused at once. */
  function refusalOf (head: RequestHead, upstream: string, rules: Rules): RefusalReason | null {
    if (head.contentLength > MAX_MEMORY_BYTES && !options.space.hasRoomFor(head.contentLength)) return 'bodies'
    return places.isFree(upstream, rules.upstreams.size) ? null : 'requests'
  }

  function serveFile (request: Request, root: string): void {
    const { exchange, head, route, target } = request
    const redirect = (path: string, query: string | null): string => redirectOf(exchange, head, path, query)
    places.take(request.upstream, request.rules.upstreams.size)
    answerStatic(exchange, { head, target, root, route, redirect }).then(
      () => { settleServed(request) },
      () => {
        // A file that fails while it is read: the head is out, so only the connection can say it.
        exchange.connection.cut()
        settleServed(request)
      }
    )
  }

  function settleServed (request: Request): void {
    places.give(request.upstream)
    settleRequest(request, request.exchange.gone)
  }

  function readBody (request: Request): void {
    const { exchange, head, rules } = request
    // Whatever is answered without the body needs no 100 before it (RFC 9110 section 10.1.1).
    if (head.expectContinue) exchange.sendContinue()
    exchange.connection.readBody(new BodyReader({
      connection: exchange.connection,
      budget: options.budget,
      space: options.space,
      writes: options.writes,
      file: `${options.bodyFolder}/${request.requestId}`,
      onOutcome (outcome) {
        if (outcome.kind === 'body') forward(request, outcome.body)
        else abandon(request, outcome.code)
      }
    }), rules.maxBodyBytes)
  }

  /** The body did not come whole: nothing was sent to anyone. */
  function abandon (request: Request, code: ErrorCode): void {
    const { exchange } = request
    if (ERRORS[code].status === null) observer.clientAborted('body')
    if (code === 'BODY_NOT_STORED') observer.refused('bodies')
    sendError(exchange, code)
    settleRequest(request, ERRORS[code].status === null)
  }

  function forward (request: Request, body: ForwardedBody): void {
    const { exchange, head, route, rules, requestId, clientAddress, target } = request
    const upstream = rules.upstreams.get(request.upstream)
    if (upstream === undefined) throw new Error(`the route ${route.location} names no upstream of the configuration`)
    // Others came while the body did.
    if (!places.take(request.upstream, rules.upstreams.size)) {
      body.forwarded()
      observer.refused('requests')
      sendError(exchange, 'OVERLOADED')
      settleRequest(request, false)
      return
    }

    const durable = route.mirror ? rules.keepCopy({ head, path: target.path, body, clientAddress, requestId }) : null
    new Forward({
      exchange,
      upstream,
      request: {
        method: head.method,
        head: upstreamRequestHead({ head, target: forwardTarget(route, head.target, target), clientAddress, requestId, bodyLength: body.length }),
        chunks: body.chunks ?? [],
        readBody: body.read
      },
      hideHeaders: route.hideHeaders,
      durable,
      // Methods, not arrows: docs/decisions/0010.
      onUpstreamError (name, reason) { observer.upstreamError(name, reason) },
      onExhausted () { observer.refused('descriptors') },
      onForwarded () { body.forwarded() },
      onDone (clientLeft) {
        places.give(request.upstream)
        if (clientLeft) observer.clientAborted('response')
        settleRequest(request, clientLeft, route.mirror ? target.path : null)
      }
    }).start()
  }

  function settleRequest (request: Request, clientLeft: boolean, mirrorPath: string | null = null): void {
    const { exchange, rules, route, clientAddress, requestId } = request
    // nginx logs 499 for a client that left before its answer.
    settle(exchange, rules, route.location, clientAddress, requestId, clientLeft ? 499 : exchange.status, mirrorPath)
  }

  function settle (exchange: Exchange, rules: Rules | null, route: string, clientAddress: string, requestId: string, status: number, mirrorPath: string | null): void {
    const settled: Settled = {
      listener: exchange.connection.listener,
      route,
      status,
      durationMs: performance.now() - exchange.startedAt,
      bytesSent: exchange.bytesSent,
      clientAddress,
      requestLine: exchange.requestLine,
      head: exchange.head,
      requestId,
      mirrorPath
    }
    observer.settled(settled)
    rules?.settled(settled)
  }
}

/** What the router says itself; no upstream is asked, nothing is copied. */
function answer (exchange: Exchange, head: RequestHead, decision: Exclude<Decision, { kind: 'serve' }>, rules: Rules): void {
  switch (decision.kind) {
    case 'refuse':
      sendError(exchange, decision.code, decision.code === 'BODY_TOO_LARGE' ? `The limit is client.max_body, ${rules.maxBodyBytes} bytes.` : '')
      break
    case 'not-found':
      sendPage(exchange, 404)
      break
    case 'redirect':
      sendPage(exchange, 301, `Location: ${redirectOf(exchange, head, decision.location, decision.target.query)}\r\n`)
      break
  }
}

function upstreamOf (route: Route, rules: Rules, listener: string): string {
  return route.upstream === 'ui' ? rules.ui.get(listener) ?? '' : route.upstream ?? ''
}

function redirectOf (exchange: Exchange, head: RequestHead, path: string, query: string | null): string {
  const { localAddress, listener } = exchange.connection
  return redirectLocation({ host: head.host, hostPort: head.hostPort, localAddress, listenPort: Number(listener), path, query })
}

/**
 * Traffic from the real Sentry SDK for Node: one client per project in one process,
 * each with its own DSN. What an SDK really put on the wire is noted on its way
 * out, so that what arrives can be compared with it byte by byte.
 */
import { createHash, type Hash } from 'node:crypto'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type * as Sentry from '@sentry/node'

/** One request an SDK made. */
export interface Sent {
  readonly project: string
  /** Of the body as it went out, content coding and all. Hex. */
  readonly sha256: string
  /** `null` when there was no answer. */
  readonly status: number | null
}

export interface Traffic {
  /** One error, one transaction, one check-in and one session for each project. */
  round (): void
  /** Resolves when everything captured so far has been answered, or after `timeoutMs`; then with false. */
  flush (timeoutMs: number): Promise<boolean>
  close (): Promise<void>
}

/** Requests that `round` makes for each project. */
export const REQUESTS_PER_ROUND = 4

type HttpModule = NonNullable<NonNullable<Sentry.NodeOptions['transportOptions']>['httpModule']>

interface Project {
  readonly scope: Sentry.Scope
  flush (timeoutMs: number): PromiseLike<boolean>
  close (): PromiseLike<boolean>
}

export type SentrySdk = typeof Sentry

/** The SDK is a development dependency: `null` where only the others are installed. */
export async function loadSdk (): Promise<SentrySdk | null> {
  try {
    return await import('@sentry/node')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}

/**
 * @param origin - Of the router's listener: `http://127.0.0.1:8080`.
 * @param onSent - Called once per request, when it was answered or failed.
 */
export function startTraffic (sentry: SentrySdk, origin: string, projectIds: readonly string[], onSent: (sent: Sent) => void): Traffic {
  let rounds = 0

  const projects = projectIds.map((id): Project => {
    const client = new sentry.NodeClient({
      dsn: origin.replace('://', `://demo${id}@`) + `/${id}`,
      release: 'demo@1.0.0',
      environment: 'demo',
      tracesSampleRate: 1,
      // An envelope per transaction, at once: streamed spans are batched by time.
      traceLifecycle: 'static',
      integrations: [],
      enableRuntimeChannelInjection: false,
      stackParser: sentry.defaultStackParser,
      transport: options => sentry.makeNodeTransport({ ...options, httpModule: noting(id, onSent) })
    })
    client.init()
    const scope = new sentry.Scope()
    scope.setClient(client)
    return { scope, flush: timeoutMs => client.flush(timeoutMs), close: () => client.close(1000) }
  })

  return {
    round: () => {
      rounds++
      for (const { scope } of projects) {
        sentry.withIsolationScope(() => sentry.withScope(scope, () => {
          sentry.startSession()
          sentry.endSession()
          sentry.captureException(new Error(`Demo error ${rounds}`))
          sentry.startSpan({ name: `GET /orders/${rounds}`, op: 'http.server' }, () => {
            sentry.startSpan({ name: 'SELECT orders', op: 'db' }, () => {})
          })
          sentry.captureCheckIn({ monitorSlug: 'nightly-report', status: 'ok', duration: 1 })
        }))
      }
    },
    flush: async timeoutMs => {
      const done = await Promise.all(projects.map(project => project.flush(timeoutMs)))
      return done.every(Boolean)
    },
    close: async () => { await Promise.all(projects.map(project => project.close())) }
  }
}

/** The SDK's way to be given another http module: Node's own, with an ear on the body. */
function noting (project: string, onSent: (sent: Sent) => void): HttpModule {
  return {
    request: (options, callback) => {
      const hash = createHash('sha256')
      let answered = false
      const request = httpRequest(options, response => {
        answered = true
        // A response to a request of ours always has a status; the type serves servers too.
        const { statusCode } = response as IncomingMessage & { statusCode: number }
        onSent({ project, sha256: hash.digest('hex'), status: statusCode })
        callback?.(Object.assign(response, { statusCode }))
      })
      hashWhatIsPiped(request, hash)
      request.once('error', () => {
        if (!answered) onSent({ project, sha256: hash.digest('hex'), status: null })
      })
      return request
    }
  }
}

function hashWhatIsPiped (request: ClientRequest, hash: Hash): void {
  request.once('pipe', source => { source.on('data', chunk => { hash.update(chunk) }) })
}

/**
 * A dead letter as people and programs are shown it, over HTTP and on the command
 * line: decoded, and without what is secret. The mapped path gives write access to
 * the endpoint, a DSN's key to Sentry; neither is ever part of a view.
 */
import { open } from 'node:fs/promises'
import { maskDsn, type Envelope, type Sdk } from '../envelope/envelope.ts'
import { BOUNDS, readEnvelope } from '../envelope/read-envelope.ts'
import { headerValue, parseFields } from '../http1/message.ts'
import { createScrub } from '../log/scrub.ts'
import type { CopyBody, DeadLetter, DeadLetterSummary, PendingSummary } from '../spool/types.ts'

export interface DeadLetterView {
  readonly id: string
  readonly project: string
  readonly reason: string
  readonly attempts: number
  /** ISO dates. */
  readonly taken_at: string
  readonly buried_at: string
  readonly body_bytes: number
}

export interface PendingView {
  readonly id: string
  readonly project: string
  readonly attempts: number
  readonly taken_at: string
  /** `null`: at once, or being made. */
  readonly due_at: string | null
  readonly body_bytes: number
}

export interface DeadLetterDetails extends DeadLetterView {
  readonly method: string
  /** Without the mapped path and the query. */
  readonly target: string
  readonly content_type: string | null
  readonly content_encoding: string | null
  readonly user_agent: string | null
  /** `null` when no attempt was made. */
  readonly first_attempt_at: string | null
  readonly last_attempt_at: string | null
  /** First bytes of the endpoint's last answer; empty when there was none. */
  readonly answer: string
  /** `null`: the body is no envelope, or cannot be read; `faults` says which. */
  readonly envelope: EnvelopeView | null
  /** What could not be read of the body, in words. */
  readonly faults: readonly string[]
}

export interface EnvelopeView {
  readonly event_id: string | null
  readonly dsn: string | null
  readonly sdk: Sdk | null
  readonly sent_at: string | null
  readonly items: readonly {
    readonly type: string
    readonly length: number
    readonly count: number
    readonly filename: string | null
    readonly content_type: string | null
  }[]
}

const HIDDEN = '…'
const scrubKnown = createScrub([])

export function viewDeadLetter ({ id, project, reason, attempts, takenAt, buriedAt, bodyBytes }: DeadLetterSummary): DeadLetterView {
  return { id, project, reason, attempts, taken_at: isoDate(takenAt), buried_at: isoDate(buriedAt), body_bytes: bodyBytes }
}

export function viewPending ({ id, project, attempts, takenAt, dueAt, bodyBytes }: PendingSummary): PendingView {
  return { id, project, attempts, taken_at: isoDate(takenAt), due_at: dueAt === null ? null : isoDate(dueAt), body_bytes: bodyBytes }
}

/** @returns Never rejects: a body that cannot be read is a fault in words. */
export async function describeDeadLetter (letter: DeadLetter): Promise<DeadLetterDetails> {
  const { copy } = letter
  const { shown, secret } = maskTarget(copy.target)
  const headers = parseFields(copy.fields)
  const { envelope, faults } = await readBodyOf(copy.body, headerValue(headers, 'content-encoding'))
  return {
    ...viewDeadLetter(letter),
    first_attempt_at: letter.firstAttemptAt === null ? null : isoDate(letter.firstAttemptAt),
    last_attempt_at: letter.lastAttemptAt === null ? null : isoDate(letter.lastAttemptAt),
    method: copy.method,
    target: shown,
    content_type: headerValue(headers, 'content-type') ?? null,
    content_encoding: headerValue(headers, 'content-encoding') ?? null,
    user_agent: headerValue(headers, 'user-agent') ?? null,
    answer: maskAnswer(letter.answer, secret),
    envelope: envelope === null ? null : viewEnvelope(envelope, headers),
    faults
  }
}

/** An endpoint that answers 404 likes to repeat the path, and a proxy on the way the whole request. */
function maskAnswer (answer: string, secret: string): string {
  return scrubKnown(secret === '' ? answer : answer.replaceAll(secret, HIDDEN))
}

function viewEnvelope ({ eventId, dsn, sdk, sentAt, items }: Envelope, headers: readonly string[]): EnvelopeView {
  return {
    event_id: eventId,
    dsn: dsn === null ? null : maskDsn(dsn),
    sdk: sdk ?? sdkOfClient(headers),
    sent_at: sentAt,
    items: items.map(({ type, length, count, filename, contentType }) => ({ type, length, count, filename, content_type: contentType }))
  }
}

/**
 * A copy's target is the mapped path and then the raw request target. Only what is
 * certain to be the client's is shown; the query may hold the key of its DSN.
 */
export function maskTarget (target: string): { shown: string, secret: string } {
  const [path = '', query] = target.split('?', 2)
  const at = path.search(/\/api\/\d+\/[a-z_-]+\/?$/i)
  const tail = at === -1 ? '' : path.slice(at)
  const secret = path.slice(0, path.length - tail.length)
  return { shown: `${secret === '' ? '' : HIDDEN}${tail}${query === undefined ? '' : `?${HIDDEN}`}`, secret: secret === '/' ? '' : secret }
}

/** Old SDKs name themselves only where they authenticate: `sentry_client=raven-python/6.1`. */
function sdkOfClient (headers: readonly string[]): Sdk | null {
  const [, name, version = null] = /\bsentry_client=([\w.-]+)(?:\/([\w.+-]+))?/i.exec(headerValue(headers, 'x-sentry-auth') ?? '') ?? []
  return name === undefined ? null : { name, version }
}

async function readBodyOf (body: CopyBody, contentEncoding: string | undefined): Promise<Awaited<ReturnType<typeof readEnvelope>>> {
  body.hold()
  try {
    // One byte more than is looked at: that it was cut is noticed where it is decoded.
    return await readEnvelope(await startOf(body, BOUNDS.maxBytes + 1), contentEncoding)
  } catch (error) {
    return { envelope: null, decodedBytes: 0, faults: [`Its body cannot be read (${codeOf(error)}).`] }
  } finally {
    body.release()
  }
}

async function startOf ({ chunks, file, length }: CopyBody, maxBytes: number): Promise<Buffer> {
  const wanted = Math.min(length, maxBytes)
  if (file === null) return Buffer.concat(chunks ?? []).subarray(0, wanted)
  await using handle = await open(file)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted), 0, wanted, 0)
  return buffer.subarray(0, bytesRead)
}

/** The error's code, which names no path; its message might. */
export function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'a bug'
}

/** A damaged record may hold any number. */
function isoDate (ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString()
}

/**
 * Files below a folder, as nginx's `root` serves them: static, index, not-modified
 * and range modules of 1.22. Answers are values; the connection writes them.
 *
 *   open      the file, or an error status, a folder's 301 or its index.html
 *   inside    404 for what a symbolic link outside the root leads to; nginx would serve it
 *   condition 304 or 412
 *   range     206 or 416
 *   body      pieces of the open file
 */
import { randomInt } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { headerValue, type RawHeaders } from '../../http1/message.ts'
import { escapePath } from '../../routing/escape.ts'
import { evaluateConditions, rangeApplies, type Validators } from './conditions.ts'
import { contentType } from './content-type.ts'
import { createFileBody, type BodyPart, type StaticBody } from './file-body.ts'
import { isOpenInside, leadsOutside } from './inside.ts'
import { parseRanges, type ByteRange } from './ranges.ts'

export interface StaticRequest {
  readonly method: string
  /** Normalised; bytes, one character each. Has no `..` segment and no NUL. */
  readonly path: string
  readonly query: string | null
  readonly headers: RawHeaders
  /** The absolute URL of a 301 to `path` (escaped, without query); see `redirectLocation`. */
  readonly redirect: (path: string, query: string | null) => string
}

export interface StaticOptions {
  /** Absolute. nginx: root. */
  readonly root: string
  /** Whether a symbolic link may lead out of the root. */
  readonly symlinks: 'inside' | 'any'
  /** For 200, 206, 301, 304 and 416. nginx: add_header. */
  readonly addHeaders: readonly (readonly [name: string, value: string])[]
  /** By extension, lower case, no dot. */
  readonly types: Readonly<Record<string, string>>
}

export interface StaticResponse {
  readonly status: 200 | 206 | 301 | 304 | 403 | 404 | 405 | 412 | 416 | 500
  /** Name and value in turn; without Server, Date, Connection and framing. */
  readonly headers: string[]
  /** With 200 and 206. `null`: 304 has none, the others get the connection's page for their status. */
  readonly body: StaticBody | null
  /** Whether the connection ends with this answer. */
  readonly close: boolean
}

/** Not blocking: a FIFO must not hold the open until somebody writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** Never rejects for what a client or the file system does; those are statuses. */
export async function serveStatic (request: StaticRequest, options: StaticOptions): Promise<StaticResponse> {
  const { method, path } = request
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return answer(405)
  if (!path.endsWith('/')) return await serveFile(request, path, options)

  const index = await findIndex(path, options.root)
  return typeof index === 'string' ? await serveFile(request, index, options) : answer(await told(index, path, options))
}

async function serveFile (request: StaticRequest, path: string, options: StaticOptions): Promise<StaticResponse> {
  const file = await openFile(fileName(options.root, path))
  if (typeof file === 'number') return answer(await told(file, path, options))

  let kept = false
  try {
    if (options.symlinks === 'inside' && !await isOpenInside(options.root, file.fd)) return answer(404)
    const stats = await file.stat()
    if (stats.isDirectory()) return answer(301, ['Location', request.redirect(`${escapePath(path)}/`, request.query), ...options.addHeaders.flat()])
    if (!stats.isFile()) return answer(404)
    if (request.method === 'POST') return answer(405)

    const response = respond(request, stats, contentType(path, options.types), options.addHeaders.flat(), file)
    kept = response.body !== null && request.method !== 'HEAD'
    return response
  } finally {
    if (!kept) await file.close()
  }
}

/** Everything that follows from the headers and the file's size and date. */
function respond (request: StaticRequest, stats: Stats, type: string, added: readonly string[], file: FileHandle): StaticResponse {
  const { headers } = request
  const modified = Math.floor(stats.mtimeMs / 1000)
  const validators: Validators = { etag: `"${modified.toString(16)}-${stats.size.toString(16)}"`, modified }
  const validatorHeaders = ['Last-Modified', new Date(modified * 1000).toUTCString(), 'ETag', validators.etag]

  const condition = evaluateConditions(headers, validators)
  if (condition === 'failed') return { ...answer(412), close: true }
  if (condition === 'not-modified') return answer(304, [...validatorHeaders, ...added])

  const range = headerValue(headers, 'range')
  const ranges = range !== undefined && rangeApplies(headerValue(headers, 'if-range'), validators) ? parseRanges(range, stats.size) : 'whole'
  if (ranges === 'unsatisfiable') return answer(416, ['Content-Range', `bytes */${stats.size}`, ...added])

  const source = request.method === 'HEAD' ? null : file
  if (ranges === 'whole') {
    const body = createBody(source, [{ start: 0, end: stats.size }])
    return { ...answer(200, ['Content-Type', type, ...validatorHeaders, ...added, 'Accept-Ranges', 'bytes']), body }
  }

  const only = ranges[0]
  if (ranges.length === 1 && only !== undefined) {
    return { ...answer(206, ['Content-Type', type, ...validatorHeaders, ...added, 'Content-Range', contentRange(only, stats.size)]), body: createBody(source, ranges) }
  }
  const boundary = newBoundary()
  return {
    ...answer(206, ['Content-Type', `multipart/byteranges; boundary=${boundary}`, ...validatorHeaders, ...added]),
    body: createBody(source, multipart(ranges, boundary, type, stats.size))
  }
}

function answer (status: StaticResponse['status'], headers: string[] = []): StaticResponse {
  return { status, headers, body: null, close: false }
}

/** @param file - `null` for HEAD: the length is told, nothing is read. */
function createBody (file: FileHandle | null, parts: readonly BodyPart[]): StaticBody {
  const length = parts.reduce((sum, part) => sum + (Buffer.isBuffer(part) ? part.length : part.end - part.start), 0)
  return createFileBody(file, file === null ? [] : parts, length)
}

function multipart (ranges: readonly ByteRange[], boundary: string, type: string, size: number): BodyPart[] {
  const parts = ranges.flatMap(range => [
    Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`, 'latin1'),
    range
  ])
  return [...parts, Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')]
}

function contentRange ({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`
}

/** Twenty digits, as nginx's. */
function newBoundary (): string {
  return Array.from({ length: 2 }, () => String(randomInt(10 ** 10)).padStart(10, '0')).join('')
}

/** Bytes: a file's name need not be UTF-8. */
function fileName (root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(root.replace(/\/$/, '')), Buffer.from(path, 'latin1')])
}

type FileErrorStatus = 403 | 404 | 500

/** Nothing outside the root is told apart from what is not there. */
async function told (status: FileErrorStatus, path: string, { root, symlinks }: StaticOptions): Promise<FileErrorStatus> {
  return status !== 404 && symlinks === 'inside' && await leadsOutside(root, fileName(root, path)) ? 404 : status
}

async function openFile (name: Buffer): Promise<FileHandle | FileErrorStatus> {
  try {
    return await open(name, OPEN_FLAGS)
  } catch (error) {
    return statusOf(errorCode(error))
  }
}

function statusOf (code: string): FileErrorStatus {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return 404
    case 'EACCES':
    case 'EMLINK':
    case 'ELOOP':
      return 403
    default:
      return 500
  }
}

/** The path of a folder's index.html; 403 without one, 404 without the folder. nginx: index, and autoindex off. */
async function findIndex (folder: string, root: string): Promise<string | FileErrorStatus> {
  const index = `${folder}index.html`
  const fault = await statFault(fileName(root, index))
  if (fault === null) return index
  if (fault !== 'ENOENT') return statusOf(fault)
  const missing = await statFault(fileName(root, folder.slice(0, -1)))
  return missing === null || missing === 'EACCES' ? 403 : statusOf(missing)
}

async function statFault (name: Buffer): Promise<string | null> {
  try {
    await stat(name)
    return null
  } catch (error) {
    return errorCode(error)
  }
}

function errorCode (error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

/** The answers this router gives itself: short pages in nginx's manner, without a version. */
import { ERRORS, type ErrorCode } from '../errors.ts'
import type { Exchange } from '../http1/exchange.ts'

const REASONS: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Not Allowed',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  416: 'Requested Range Not Satisfiable',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
  505: 'HTTP Version Not Supported'
}

/**
 * The least there is: Sentry's browser SDK sends nothing until it is over, and loses
 * what it would have sent.
 */
const RETRY_AFTER = 'Retry-After: 1\r\n'

/** @param status - One of the statuses the router sends on its own account. */
export function reasonPhrase (status: number): string {
  return REASONS[status] ?? (status === 206 ? 'Partial Content' : 'OK')
}

/**
 * Sends a page and ends the exchange.
 *
 * @param block - Further header lines, each ended by CRLF.
 * @param note - A sentence for the person who reads the page.
 */
export function sendPage (exchange: Exchange, status: number, block = '', note = ''): void {
  const page = Buffer.from(pageText(status, note))
  exchange.start({ status, reason: reasonPhrase(status), block: `Content-Type: text/html\r\n${block}`, length: page.length })
  exchange.write(page)
  exchange.end()
}

/** Sends the page of an error; one without a status cuts the connection. */
export function sendError (exchange: Exchange, code: ErrorCode, note = ''): void {
  const { status, close } = ERRORS[code]
  if (close) exchange.keepAlive = false
  if (status === null) exchange.connection.cut()
  else sendPage(exchange, status, status === 503 ? RETRY_AFTER : '', note)
}

/** The whole response, latin1, to a client whose request is not even read. */
export function refusalText (): string {
  const page = pageText(503, '')
  return `HTTP/1.1 503 ${reasonPhrase(503)}\r\nServer: mirror-router\r\nContent-Type: text/html\r\n${RETRY_AFTER}Content-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`
}

function pageText (status: number, note: string): string {
  const title = `${status} ${reasonPhrase(status)}`
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n${note === '' ? '' : `<center>${note}</center>\r\n`}<hr><center>mirror-router</center>\r\n</body>\r\n</html>\r\n`
}

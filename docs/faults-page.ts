import { FAULT_GROUPS, isPassedOn, isTriedAgain, timesSeen, type Fault } from '../test/fixtures/faults.ts'

export function faultsPage (): string {
  const tables = Object.entries(FAULT_GROUPS).map(([title, faults]) => `### ${title}

| the server … | as an upstream: the client gets | of two servers | as the endpoint: the attempt | the copy | the endpoint has it |
|---|---|---|---|---|---|
${faults.map(row).join('\n')}
`)
  return `# Faults of upstreams and of the endpoint

Printed from \`test/fixtures/faults.ts\`; do not edit. Each row is committed on a socket, byte by byte, by three tests, which are
named after it: \`an upstream that …\` in \`test/behaviour/upstream-faults.test.ts\`, \`a POST to a server that …\` in
\`test/behaviour/next-upstream-faults.test.ts\`, \`an endpoint that …\` in \`test/behaviour/endpoint-faults.test.ts\`.

\`\`\`sh
npx tap test/behaviour/upstream-faults.test.ts test/behaviour/next-upstream-faults.test.ts test/behaviour/endpoint-faults.test.ts
\`\`\`

## What holds for every row

- **An upstream's fault** takes the client no longer than \`connect_timeout\`, \`send_timeout\` or \`read_timeout\`, whichever phase it is in.
  These are silences, as in nginx: bytes that keep coming, however slowly, are passed on as long as the client takes them. A head
  has 128 KiB in which to end; what bounds the rest is the client's own patience. The client's connection stays open after a 502
  or 504, and is cut when an answer that had begun cannot be completed. The copy goes out once.
- **With a second server** the request goes on to it as long as the client has nothing of an answer; the first rests for 10 s.
  Without \`non_idempotent\`, nginx's own default, a POST goes on only if there was no connection: no request, no harm.
- **A pooled connection** that ends without a byte of answer is replaced once, for every method, and that is nobody's failure.
- **An endpoint's fault** is never seen by the client. Its answer has one \`mirror.read_timeout\` to begin and one more to end, so a
  place in the width is held no longer, however it drips. The status decides as soon as the head is in; what follows is read for
  64 KiB so that the connection can be used again, and 512 bytes of it are kept for a dead letter. A body it takes slowly has no
  bound but \`send_timeout\` between two writes.
- **"Twice"** means that the endpoint had the whole request and its answer was lost: the same bytes come again, with the same
  \`X-Request-Id\`. accepted + replayed = delivered + dead + dropped + pending after each row.

## One request

${tables.join('\n')}
${OTHER_FAULTS}`
}

function row (fault: Fault): string {
  const { name, client, attempt } = fault
  const again = isTriedAgain(fault)
  const copy = again ? 'tried again, delivered' : attempt === '200' ? 'delivered' : 'dead letter'
  return `| ${name} | ${client === 'cut' ? '200, what there was, a cut' : client} | ${isPassedOn(fault) ? 'the other\'s answer' : 'the same'} | \`${attempt}\` | ${copy} | ${['not whole', 'once', 'twice'][timesSeen(fault)]} |`
}

/** Faults that are not of one request on one new connection; each has a test of its own. */
const OTHER_FAULTS = `## Connections that were used before

\`test/behaviour/pooled-connections.test.ts\`, and for the endpoint \`delivery-faults.test.ts\`.

| the server … | the client gets | the copy |
|---|---|---|
| closes or resets a pooled connection at the moment of its use, nothing of the answer came | the answer, over a new connection; any method, once | goes out again at once, not counted as a failure |
| does so again on the new connection | 502 | tried again after a backoff |
| closes after the first byte of the answer, or after a 100 | 502: it has seen the request | tried again |
| says nothing | 504, no replacement | tried again |
| closes or resets after every answer without saying so | 200, every time | delivered |
| says \`Keep-Alive: timeout=N\` | not used in the last second of N; 4 s when it says nothing, less than Relay's 5 s | the same |

## Names and addresses

\`test/behaviour/name-faults.test.ts\`, \`test/unit/http1/lookup.test.ts\`, \`test/behaviour/recreated-upstream.test.ts\`. A name is asked for anew for every
new connection; connections that work are used on, whatever the name says by then. There is one question at a time for each name,
so that an endpoint whose name hangs takes none of the threads that upstreams are looked up on but one.

| fault | the client gets | the copy |
|---|---|---|
| no such name | 502 until there is one | waits, attempts count as \`dns\` |
| the name service fails, or does not answer for 1 s, and answered before | the answer, from the addresses of before | delivered there |
| it fails, and never answered | 502 | waits, \`dns\` |
| it hangs, and never answered | 504 after \`connect_timeout\` | waits, \`timeout\` |
| the address changes | nothing of it: what is pooled is used until it ends, then the new address | the same |
| several addresses, one refuses or has no route | the next one's answer at once; IPv4 and IPv6 | the same |
| several addresses, one hangs | the next one's answer after a quarter of \`connect_timeout\`, 2 s at most | the same |
| several addresses, one accepts and then fails | as a single server's fault: the next address is not tried; list the servers to have that | tried again |

## TLS of the endpoint

\`test/behaviour/delivery-tls.test.ts\`. Nothing is sent before the certificate is verified against \`mirror.host\` and \`mirror.ca\`, on every connection
anew: sessions are not resumed. A copy waits and is tried again; the client sees nothing.

| the endpoint … | the attempt |
|---|---|
| has a certificate that has expired, is not valid yet, is for another name or address, is self-signed, or of an unknown authority | \`tls\` |
| speaks TLS 1.1 or older, no TLS at all, or answers with an alert | \`tls\` |
| hangs or stops in the handshake | \`timeout\` after \`mirror.connect_timeout\` |
| closes or resets before, in or after the handshake | \`reset\` |

## An endpoint over time

\`test/behaviour/endpoint-over-time.test.ts\`, \`delivery.test.ts\`, \`delivery-width.test.ts\`.

| the endpoint … | what holds |
|---|---|
| comes and goes several times a second | every copy arrives; twice only where an answer was lost |
| hangs, or drips a head without end, for all copies | no more connections than the width; it shrinks, then one probe at a time; all arrive afterwards |
| answers 5 MiB to every copy | 64 KiB of each is read; memory stays |
| redirects | never followed: a dead letter |
| says \`Retry-After\` in seconds or as a date | obeyed, also by the copies behind it; another project is held for a minute at most |
| says \`Retry-After\` that is 0, negative, past, garbage, or longer than \`retry.max_age\` | ignored: the backoff decides |
`

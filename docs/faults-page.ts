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

${tables.join('\n')}`
}

function row (fault: Fault): string {
  const { name, client, attempt } = fault
  const again = isTriedAgain(fault)
  const copy = again ? 'tried again, delivered' : attempt === '200' ? 'delivered' : 'dead letter'
  return `| ${name} | ${client === 'cut' ? '200, what there was, a cut' : client} | ${isPassedOn(fault) ? 'the other\'s answer' : 'the same'} | \`${attempt}\` | ${copy} | ${['not whole', 'once', 'twice'][timesSeen(fault)]} |`
}

import { ERRORS } from '../src/errors.ts'

export function errorsPage (): string {
  const rows = Object.entries(ERRORS).map(([code, { source, status, close, summary }]) =>
    `| \`${code}\` | ${source} | ${status ?? 'none: the connection is cut'} | ${close ? 'closes' : 'stays'} | ${summary} |`)
  return `# Errors

Printed from \`src/errors.ts\`; do not edit. What a request can end in other than an upstream's answer, whose doing it is,
and what the client sees. The access log and \`router_requests_total\` have the status; a client that left before its
answer is 499 there, as with nginx.

| code | whose | status | connection | meaning |
|---|---|---|---|---|
${rows.join('\n')}
`
}

/** `explain`: what would be done with this request, and why? Nothing is sent anywhere. */
import type { Config, ListenerConfig } from '../config/config.ts'
import { parseAddress } from '../proxy/ip-address.ts'
import { CONFIG_OPTION, loadConfig, readArguments, UsageError } from './command.ts'
import type { Command } from './command.ts'
import { explainRequest, type Answer, type Explanation, type Mirroring } from './explain-request.ts'

const OPTIONS = {
  header: { type: 'string', short: 'H', multiple: true, value: 'K:V', description: 'A header of the request; may be given more than once.' },
  peer: { type: 'string', value: 'ADDRESS', description: 'Address the connection comes from. Default: 127.0.0.1.' },
  listener: { type: 'string', value: 'PORT', description: "Port the request comes in on. Default: the URL's, or the first listener's if that is none." },
  'show-secrets': { type: 'boolean', description: 'Show mapped paths.' },
  json: { type: 'boolean', description: 'Print one JSON object.' },
  ...CONFIG_OPTION
} as const

export const explain: Command = {
  name: 'explain',
  summary: 'Show what would be done with a request.',
  usage: 'explain METHOD URL [--header K:V]… [--peer ADDRESS] [--listener PORT] [--show-secrets] [--json] [--config FILE]',
  options: OPTIONS,
  details: 'URL is http://host/path?query, or a path alone. Prints the route and why it was chosen, the client\'s address, the request each upstream and the endpoint would get, or the answer the router gives itself. Nothing is sent.',
  examples: [
    { line: 'explain POST http://sentry.example/api/1/envelope/', does: 'Which upstream and which service get an envelope of project 1?' },
    { line: 'explain GET /auth/login/ -H "Host: sentry.example" --listener 81', does: 'What becomes of a page asked for on port 81?' },
    { line: 'explain POST /api/1/envelope/ --peer 10.0.0.7 -H "X-Forwarded-For: 203.0.113.9"', does: 'Which address is taken for the client\'s?' }
  ],
  exitCodes: {
    0: 'It is explained.',
    1: 'The configuration has faults.'
  },

  async run (args, io) {
    const { values, positionals: [method = '', url = ''] } = readArguments(args, OPTIONS, ['METHOD', 'URL'])
    const peer = values.peer ?? '127.0.0.1'
    if (parseAddress(peer) === null) throw new UsageError(`--peer ${peer}: not an IP address`)
    const { authority, target } = splitUrl(url)
    const headers = (values.header ?? []).map(readHeader)

    const config = await loadConfig(values.config, io)
    const { listener, note } = chooseListener(config, authority, values.listener)
    if (!headers.some(line => /^host:/i.test(line))) headers.unshift(`Host: ${authority === '' ? 'localhost' : authority}`)
    const explanation = explainRequest(toBytes(`${method} ${target} HTTP/1.1\r\n${headers.map(line => `${line}\r\n`).join('')}`), {
      config,
      listener,
      peer,
      showSecrets: values['show-secrets'] === true
    })

    if (note !== '' && values.json !== true) io.stderr.write(`note: ${note}\n`)
    io.stdout.write(values.json === true ? `${JSON.stringify(explanation, readable, 2)}\n` : print(explanation))
    return 0
  }
}

/** Not `new URL`: it would normalise what is to be explained. */
function splitUrl (url: string): { authority: string, target: string } {
  if (url.startsWith('/')) return { authority: '', target: url }
  const [, authority, rest] = /^https?:\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  if (authority === undefined || authority === '' || rest === undefined) throw new UsageError(`${url}: a URL starts with http:// or https:// and a host, or is a path that starts with /`)
  return { authority, target: rest.startsWith('/') ? rest : `/${rest}` }
}

function readHeader (text: string): string {
  const colon = text.indexOf(':')
  if (colon <= 0 || /[\r\n]/.test(text)) throw new UsageError(`--header ${JSON.stringify(text)}: write it as "Name: value"`)
  return `${text.slice(0, colon)}: ${text.slice(colon + 1).trim()}`
}

function chooseListener ({ listeners }: Config, authority: string, asked: string | undefined): { listener: ListenerConfig, note: string } {
  const port = asked ?? /:(\d+)$/.exec(authority)?.[1] ?? '80'
  const listener = listeners.find(candidate => String(candidate.port) === port)
  if (listener !== undefined) return { listener, note: '' }
  const first = listeners[0]
  const ports = listeners.map(candidate => candidate.port).join(', ')
  if (asked !== undefined || first === undefined) throw new UsageError(`--listener ${port}: no listener has this port; there is ${ports}`)
  return { listener: first, note: `no listener has port ${port}; taken as the published port of ${first.port} (--listener names another of ${ports})` }
}

function print ({ listener, clientAddress, path, route, answer, mirror }: Explanation): string {
  const rows = [
    ['listener', `${listener.port} (ui: ${listener.ui})`],
    ['client', clientAddress],
    ...path === null ? [] : [['path', shown(path)]],
    ...route === null ? [] : [['route', `${route.location}  (${route.why})`]],
    ...printAnswer(answer),
    ...printMirror(mirror)
  ]
  return rows.map(([name = '', value = '']) => `${name.padEnd(10)}${value}`.trimEnd()).join('\n') + '\n'
}

function printAnswer (answer: Answer): string[][] {
  switch (answer.from) {
    case 'router':
      return [['answer', `${answer.status}, by the router itself: ${answer.why}`], ...answer.location === undefined ? [] : [['location', shown(answer.location)]]]
    case 'file':
      return [['answer', `the file ${shown(answer.file)}`]]
    default:
      return [['upstream', `${answer.upstream} (${answer.servers.join(', ')})`], ...printHead(answer.head)]
  }
}

function printMirror (mirror: Mirroring): string[][] {
  const project = mirror.project === undefined ? '' : ` (project: ${mirror.project})`
  if (!mirror.copied) return [['mirror', `not copied: ${mirror.why}${project}`]]
  return [['mirror', `copied to ${shown(mirror.url)}${project}`], ...printHead(mirror.head)]
}

function printHead (head: readonly string[]): string[][] {
  return head.map(line => ['', shown(line)])
}

function toBytes (text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Bytes as text; what is not printable UTF-8, or would steer a terminal, as `\xNN`. */
function shown (bytes: string): string {
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  const readable = text.includes('\uFFFD') ? bytes.replaceAll(/[\u0080-\u00ff]/g, escaped) : text
  return readable.replaceAll(/\p{Cc}/gu, escaped)
}

function escaped (char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** For JSON.stringify: every text of an explanation as it is shown. */
function readable (_key: string, value: unknown): unknown {
  return typeof value === 'string' ? shown(value) : value
}

/**
 * Any text is imported or refused with places, soon; what is imported also loads, and
 * what nginx calls a syntax error is one here. Findings are kept in
 * test/regression/nginx-conf.test.ts.
 */
import * as fc from 'fast-check'
import { test } from 'tap'
import { RULES, type Context } from '../../src/config/nginx/directives.ts'
import { parseNginx, type Directive } from '../../src/config/nginx/parser.ts'
import { formatFault } from '../../src/config/fault.ts'
import { loadConfig } from '../../src/config/load.ts'
import { brokenInvariants } from '../helpers/config-invariants.ts'
import { damaged, fuzz } from '../helpers/fuzz.ts'
import { filledDocument, fixture, importText } from '../helpers/imported.ts'
import { nginxCheck } from '../helpers/nginx-check.ts'

/** Generous, for a machine that does other things too; a hang is minutes. */
const MAX_MS = 5000

const NAMES = [...new Set(RULES.map(({ name }) => name))]
const VALUES = [
  'on', 'off', '0', '1', '64k', '30s', '75s 60s', 'auto', '/x', '$host', '$remote_addr', '$request_id', 'http://relay', 'http://sentry', 'http://sentry/_static/', 'http://rum_forwarder$forwarder_path$request_uri', 'relay:3000', '127.0.0.1:80', '[::1]:80', '*', '~ ^/a', '~* \\.js$', '= /a', '^~ /a/', '@a',
  'error timeout', 'main', 'X-A "b c"', 'Host $host', '10.0.0.0/8', '::/0', 'text/css css', 'default_server', 'ssl', '"a b"', '\'\'', '${x}', '$${x}', '\\n', 'é\u2028', '__proto__', 'constructor', '9'.repeat(30), `"${' '.repeat(50)}x"`
]
const TOKENS = [
  ' ', '\n', '\t', '\r', ';', '{', '}', '"', '\'', '#', '\\', '\\"', '$', '${', '(', ')', '[', '*', '~', '/', '\0', '\x80', '\ufeff', '\u2028', '<endpoint>', ...VALUES, ...NAMES.map(name => ` ${name} `), ...NAMES.map(name => `\n${name} on;\n`),
  'location /b/ { proxy_pass http://sentry; }\n', 'server { listen 82; }\n', 'upstream relay { server a; }\n', 'map $request_uri $x { default /; }\n', 'include mime.types;', 'include *;'
]
const SEEDS = [filledDocument(), fixture('document.conf'), fixture('stock.conf')].map(text => Buffer.from(text))

/** Any of the grammar: every known directive where the table allows it, and where not, with likely values and others. */
const argument = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...VALUES) }, { weight: 1, arbitrary: fc.string({ maxLength: 10 }).map(text => JSON.stringify(text)) })
const SIMPLE = RULES.filter(({ block }) => !block)
const statement = (context: Context): fc.Arbitrary<string> => {
  const here = SIMPLE.filter(({ where }) => where.includes(context))
  const line = (rules: typeof SIMPLE): fc.Arbitrary<string> => fc.constantFrom(...rules).chain(({ name, min, max }) =>
    fc.array(argument, { minLength: Math.max(0, min - 1), maxLength: Math.min(max, 3) }).map(args => `${[name, ...args].join(' ')};`))
  return fc.oneof({ weight: 9, arbitrary: line(here) }, { weight: 1, arbitrary: line(SIMPLE) })
}
const block = (head: fc.Arbitrary<string>, context: Context, inner: fc.Arbitrary<string>[] = []): fc.Arbitrary<string> =>
  fc.tuple(head, fc.array(fc.oneof({ weight: 3, arbitrary: statement(context) }, ...inner), { maxLength: 5 })).map(([name, lines]) => `${name} {\n${lines.join('\n')}\n}`)
const passing = fc.tuple(fc.constantFrom('/', '/a/', '= /b', '~ ^/c', '^~ /d/'), fc.constantFrom('web', 'web/x/', '$host')).map(([path, to]) => `location ${path} { proxy_pass http://${to}; }`)
const location = fc.oneof(passing, block(argument.map(value => `location ${value}`), 'location'))
const server = block(fc.constant('server'), 'server', [location, location])
const generated = fc.tuple(fc.array(statement('main'), { maxLength: 2 }), block(fc.constant('http'), 'http', [server, block(fc.constantFrom('upstream web', 'upstream x'), 'upstream')]), server)
  .map(([lines, http, more]) => `${lines.join('\n')}\n${http.slice(0, -1)}upstream web { server a:9000; server b; }\n${more}\n}\n`)

/** @returns Whether it was imported. */
function importAndCheck (text: string): boolean {
  const started = performance.now()
  const { yaml, faults, notes } = importText(text, { 'a.conf': 'gzip off;', 'mime.types': 'types { text/css css; }' })
  const ms = performance.now() - started
  if (ms > MAX_MS) throw new Error(`it took ${Math.round(ms)} ms`)
  const lines = text.split('\n')
  for (const fault of faults) {
    const length = fault.file === 'nginx.conf' ? lines[fault.line - 1]?.length : Infinity
    const placed = fault.line === 0 || (length !== undefined && fault.column >= 1 && fault.column <= length + 1)
    const printed = formatFault(fault)
    if (!placed || fault.message === '' || printed.length > 10_000 || /\p{Cc}/u.test(printed)) throw new Error(`the fault ${JSON.stringify(fault)}`)
  }
  if ((faults.length === 0) !== (yaml !== '')) throw new Error('neither refused nor imported')
  if (yaml === '') return false

  const loaded = loadConfig(yaml, { file: '/etc/router.yaml', env: {}, cpus: 2, readFile: () => '' })
  if (loaded.config !== undefined) {
    const broken = brokenInvariants(loaded.config)
    if (broken.length > 0) throw new Error(broken.join('\n'))
    return true
  }
  const placeholdersOnly = loaded.faults.every(({ message }) => message.includes('the placeholder <'))
  if (!placeholdersOnly || !notes.some(note => note.startsWith('Placeholders'))) throw new Error(`imported, and not loaded: ${loaded.faults.map(formatFault).join('\n')}\n${yaml}`)
  return false
}

test('a file made from the table of directives is imported and loads, or has faults in their places', async t => {
  let imported = 0
  await fuzz(t, generated, text => { if (importAndCheck(text)) imported++ })
  t.comment(`${imported} imported`)
})

test('a real nginx.conf that was damaged is imported and loads, or has faults in their places', async t => {
  let imported = 0
  await fuzz(t, damaged(SEEDS, TOKENS), bytes => { if (importAndCheck(bytes.toString())) imported++ })
  t.comment(`${imported} imported`)
  t.ok(imported > 0)
})

test('any bytes are refused or imported, never an exception', async t => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
    fc.array(fc.constantFrom(...TOKENS), { maxLength: 60 }).map(tokens => Buffer.from(tokens.join(''))),
    damaged(SEEDS, TOKENS, 60)
  )
  await fuzz(t, noise, bytes => { importAndCheck(bytes.toString()) })
})

test('what is read, printed and read again is the same', async t => {
  await fuzz(t, fc.oneof(damaged(SEEDS, TOKENS), generated.map(text => Buffer.from(text))), bytes => {
    const first = parseNginx(bytes.toString(), 'nginx.conf')
    if (first.fault !== null) return
    const printed = print(first.directives)
    const second = parseNginx(printed, 'nginx.conf')
    if (second.fault !== null) throw new Error(`${formatFault(second.fault)} in ${printed}`)
    if (shape(second.directives) !== shape(first.directives)) throw new Error(printed)
  })
})

test('what nginx refuses for its syntax is refused', async t => {
  const check = nginxCheck(t)
  const places = damaged(SEEDS, [' ', '\n', ';', '{', '}', '"', '\'', '#', '\\', '$', '${', '(', ')'], 3)
  await fuzz(t, places, bytes => {
    const text = bytes.toString()
    const { accepted, message } = check(text)
    const syntax = /unexpected|unterminated|too long parameter|unexpected end of file|is not terminated/.test(message)
    if (!accepted && syntax && importText(text).faults.length === 0) throw new Error(`nginx says: ${message}`)
  })
})

/** Quoted throughout: a backslash is doubled, and only a quote needs one. */
function print (directives: readonly Directive[]): string {
  return directives.map(({ name, args, block }) => `${[name, ...args].map(word).join(' ')}${block === null ? ';' : ` {\n${print(block)}}`}\n`).join('')
}

function word (text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function shape (directives: readonly Directive[]): string {
  return JSON.stringify(directives, (key, value: unknown) => ['line', 'column', 'places', 'file'].includes(key) ? undefined : value)
}

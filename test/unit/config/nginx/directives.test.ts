import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { RULES } from '../../../../src/config/nginx/directives.ts'
import { parseNginx, type Directive } from '../../../../src/config/nginx/parser.ts'
import { nginxCheck } from '../../../helpers/nginx-check.ts'
import { fixture } from '../../../helpers/imported.ts'

/** Names of directives, not the lines of a map. */
function names (directives: readonly Directive[]): string[] {
  return directives.flatMap(({ name, block }) => [name, ...name === 'map' ? [] : names(block ?? [])])
}

test('every directive of the document has its row in docs/parity.md', async t => {
  const page = readFileSync(new URL('../../../../docs/parity.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter(line => line.startsWith('| `')).map(line => line.split('|')[1] ?? '').join(' ')

  const missing = [...new Set(names(parseNginx(fixture('document.conf'), 'nginx.conf').directives))].filter(name => !rows.includes(`\`${name}\``))

  t.strictSame(missing, [])
})

test('no directive has two rows for one place', async t => {
  const places = RULES.flatMap(({ name, where }) => where.map(place => `${name} in ${place}`))

  t.strictSame(places.filter((place, i) => places.indexOf(place) !== i), [])
})

const OPEN: Readonly<Record<string, readonly [before: string, after: string]>> = {
  main: ['', ' events { }'],
  events: ['events { ', ' }'],
  http: ['events { } http { ', ' }'],
  server: ['events { } http { server { ', ' } }'],
  location: ['events { } http { server { location / { ', ' } } }'],
  upstream: ['events { } http { upstream u { ', ' } }']
}

// Of modules the oracle is built without, newer than it, or with a name that means something else there.
const ELSEWHERE = new Set(['http3', 'quic_retry', 'google_perftools_profiles', 'perl', 'empty_gif', 'geo', 'split_clients', 'random', 'mp4', 'flv', 'stream', 'mail', 'http2', 'dav_methods', 'stub_status', 'ssl', 'proxy_cookie_flags'])

test('nginx knows each directive of the table, and allows it where the table does', async t => {
  const check = nginxCheck(t)
  for (const { name, where, block } of RULES) {
    if (ELSEWHERE.has(name)) continue
    for (const place of where) {
      // From 1.27 on.
      if (place === 'upstream' && name.startsWith('resolver')) continue
      const [before, after] = OPEN[place] ?? ['', '']
      const { message } = check(`${before}${name}${block ? ' { }' : ';'}${after}`)

      t.notMatch(message, /unknown directive|is not allowed here|has no opening|is not terminated/, `${name} in ${place}`)
    }
  }
})

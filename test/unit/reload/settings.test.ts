import { test } from 'tap'
import type { Config } from '../../../src/config/config.ts'
import { changesBetween, whatCannotChange } from '../../../src/reload/settings.ts'
import { configOf } from '../../helpers/configuration.ts'

const BASE = 'mirror: { endpoint: "https://rum.example", default: off, projects: { 1: /rum/secret-1, 2: /rum/secret-2 } }\n'

function between (text: string, base = BASE): { refused: string[], changed: string[] } {
  const current = configOf(base)
  const next = configOf(text)
  return { refused: whatCannotChange(current, next), changed: changesBetween(current, next) }
}

const REFUSED: readonly [text: string, sentence: string][] = [
  [`${BASE}workers: 3`, 'workers: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}spool: { path: /other }`, 'spool.path: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}spool: { max_bytes: 1GiB }`, 'spool.max_bytes: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}spool: { when_full: drop_newest }`, 'spool.when_full: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}spool: { fsync: always }`, 'spool.fsync: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}spool: { dead_letters: { max_age: 1d } }`, 'spool.dead_letters: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}admin: { host: "0.0.0.0" }`, 'admin.host: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}admin: { port: 9 }`, 'admin.port: cannot change while the router runs; restart it, or write the old value again'],
  [`${BASE}listeners: [{ port: 80, ui: web }]`, 'listeners: 1 instead of 2; none can be added or removed while the router runs; restart it'],
  [`${BASE}listeners: [{ port: 80, ui: web }, { port: 82, ui: web-rum }]`, 'listeners[1].port: cannot change while the router runs; restart it, or write 81 again'],
  [`${BASE}listeners: [{ port: 80, host: "127.0.0.1", ui: web }, { port: 81, ui: web-rum }]`, 'listeners[0].host: cannot change while the router runs; restart it, or write :: again'],
  ['mirror: off', 'mirror: copying cannot be switched off while the router runs; restart it, or write default: off and off for each of mirror.projects']
]

for (const [text, sentence] of REFUSED) {
  test(`refused: ${sentence}`, t => {
    const { refused } = between(text)

    t.strictSame(refused, [sentence])
    t.end()
  })
}

test('copying cannot be switched on while the router runs', t => {
  t.strictSame(between(BASE, 'mirror: off').refused, ['mirror: copying cannot be switched on while the router runs; restart it'])
  t.end()
})

const CHANGED: readonly [text: string, changed: readonly string[]][] = [
  [BASE, []],
  [`# a comment\n${BASE}`, []],
  [`${BASE}listeners: [{ port: 80, ui: web-rum }, { port: 81, ui: web-rum }]`, ['listeners[0].ui', 'upstreams.web (gone)']],
  [`${BASE}upstreams: { relay: { read_timeout: 9s }, more: { servers: ["more:1"] } }`, ['upstreams.relay', 'upstreams.more (new)']],
  [`${BASE}client: { max_body: 1MiB }`, ['client']],
  [`${BASE}real_ip: { recursive: false }`, ['real_ip']],
  [`${BASE}routes: [{ location: /, upstream: relay }]`, ['routes']],
  [`${BASE}spool: { commit_timeout: 1s }`, ['spool.commit_timeout']],
  [`${BASE}log: { level: debug, access: json }`, ['log.level', 'log.access']],
  [`${BASE}admin: { token: 0123456789abcdef0123456789abcdef }`, ['admin.token']],
  [BASE.replace('https://rum.example', 'https://other.example'), ['mirror.endpoint', 'mirror.host']],
  [BASE.replace('projects: { 1: /rum/secret-1, 2: /rum/secret-2 }', 'projects: { 1: /rum/new-secret, 3: off }'), ['mirror.projects.1', 'mirror.projects.3 (new)', 'mirror.projects.2 (gone)']]
]

for (const [text, changed] of CHANGED) {
  test(`followed: ${changed.join(', ') || 'what means nothing'}`, t => {
    t.strictSame(between(text), { refused: [], changed })
    t.end()
  })
}

test('many projects that change at once are counted, not named', t => {
  const projects = Array.from({ length: 300 }, (_, i) => `${i + 10}: off`).join()

  const { changed } = between(BASE.replace('2: /rum/secret-2', `2: /rum/secret-2, ${projects}`))

  t.strictSame(changed, ['mirror.projects (300 of them)'])
  t.end()
})

test('every key of the configuration is either refused or followed: none changes unseen', t => {
  const config = configOf(BASE)

  for (const { path, changed } of variations(config)) {
    const seen = [...whatCannotChange(config, changed), ...changesBetween(config, changed)]
    t.ok(seen.length > 0, path)
  }
  t.end()
})

test('no value of a secret is in a sentence', t => {
  const config = configOf(`${BASE}admin: { token: 0123456789abcdef0123456789abcdef }`)

  for (const { changed } of variations(config)) {
    t.notMatch([...whatCannotChange(config, changed), ...changesBetween(config, changed)].join(), /secret|0123456789abcdef/)
  }
  t.end()
})

/** The configuration with one value changed, for each value in it. */
function variations (config: Config): { path: string, changed: Config }[] {
  const all: { path: string, changed: Config }[] = []
  visit(config, [], changed => changed as Config)
  return all

  function visit (value: unknown, path: readonly string[], rebuild: (changed: unknown) => Config): void {
    if (path.join() === 'file') return
    if (value instanceof Map) {
      for (const [key, item] of value) visit(item, [...path, String(key)], changed => rebuild(new Map([...value, [key, changed]])))
    } else if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) visit(item, [...path, String(i)], changed => rebuild(value.with(i, changed)))
      all.push({ path: `${path.join('.')} (one more)`, changed: rebuild([...value, value[0] ?? 'new']) })
    } else if (typeof value === 'object' && value !== null && !(value instanceof URL)) {
      for (const [key, item] of Object.entries(value)) visit(item, [...path, key], changed => rebuild({ ...value, [key]: changed }))
    } else {
      all.push({ path: path.join('.'), changed: rebuild(other(value)) })
    }
  }
}

function other (value: unknown): unknown {
  if (value instanceof URL) return new URL('/other', value)
  switch (typeof value) {
    case 'number': return value + 1
    case 'boolean': return !value
    default: return `other ${String(value).length}`
  }
}

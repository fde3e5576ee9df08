/** The JSON Schema and the file that is shipped agree with the table of options. */
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { printJsonSchema } from '../../../src/config/json-schema.ts'
import { router } from '../../../src/config/schema.ts'
import type { ValueType } from '../../../src/config/schema/types.ts'
import { configOf, faultsOf } from '../../helpers/configuration.ts'

function repositoryFile (path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

const validate = new Ajv({ strict: true, allErrors: true }).compile(JSON.parse(printJsonSchema()) as object)
const accepts = (text: string): boolean => validate(parse(text, { merge: true }) ?? {})

test('the shipped file says what holds without it, and is right without any environment', async t => {
  const shipped = configOf(repositoryFile('config/router.yaml'), { file: 'router.yaml' })

  t.same(shipped, configOf(''))
})

test('the shipped file mirrors with two variables', async t => {
  const env = { RUM_ENDPOINT: 'https://rum.example', RUM_DEFAULT_PATH: '/rum/sentry/w/s' }

  const { mirror } = configOf(repositoryFile('config/router.yaml'), { env })

  t.equal(mirror?.endpoint.hostname, 'rum.example')
  t.equal(mirror?.default, '/rum/sentry/w/s')
  t.same({ ...mirror, default: null }, configOf('mirror: { endpoint: https://rum.example }').mirror)
})

test('an editor accepts what check accepts', async t => {
  const texts = [
    '',
    repositoryFile('config/router.yaml').replace(/^ {2}projects:.*$/m, '  projects: { 1: /a, 7: off, 8: false }'),
    'mirror: off',
    'mirror: false',
    'mirror: { endpoint: "${RUM:-off}", methods: all, endpoints: [envelope, store], retry: { max: "${MAX:-1m}" } }',
    'workers: 2',
    'workers: "${WORKERS:-2}"',
    'log: { access: false }',
    'listeners: [{ port: "${PORT:-80}" }]',
    'upstreams: { web: { read_timeout: 1h30m, next_upstream: off }, api: { servers: ["[::1]:80"] } }',
    'routes: [{ location: "~* \\\\.js$", root: /srv, add_headers: { Access-Control-Max-Age: 600 }, types: { js: text/javascript } }]',
    'real_ip: { trusted: [10.0.0.0/8, "::1"] }'
  ]
  for (const text of texts) {
    t.strictSame(faultsOf(text), [], text.slice(0, 60))
    t.ok(accepts(text), JSON.stringify(validate.errors))
  }
})

test('an editor underlines what check refuses for its form', async t => {
  const texts = [
    'concurrency: 4',
    'mirror: {}',
    'mirror: { endpoint: rum.example }',
    'mirror: { endpoint: https://rum.example, projects: { a: /x } }',
    'mirror: { endpoint: https://rum.example, projects: { 1: x } }',
    'mirror: { endpoint: https://rum.example, read_timeout: 5 }',
    'mirror: { endpoint: https://rum.example, methods: [] }',
    'client: { max_body: 100MB }',
    'listeners: [{ port: 99999 }]',
    'listeners: []',
    'upstreams: { api: { read_timeout: 5s } }',
    'upstreams: { ui: { servers: [a] } }',
    'routes: [{ upstream: web }]',
    'workers: 0',
    'log: { access: none }'
  ]
  for (const text of texts) {
    t.not(faultsOf(text).length, 0, text)
    t.notOk(accepts(text), text)
  }
})

test('every option says in a sentence what it does', async t => {
  const check = (type: ValueType, path: string): void => {
    if (type.kind === 'list') check(type.items, `${path}[]`)
    if (type.kind === 'map') check(type.values, `${path}.${type.keyName}`)
    if (type.kind !== 'section') return
    for (const [name, option] of Object.entries(type.options)) {
      t.match(option.description, /^[A-Z`].{12,}\.$/, `${path}.${name}`)
      check(option.type, `${path}.${name}`)
    }
  }
  check(router, '')
})

import { test } from 'tap'
import { configWarnings } from '../../../src/config/warnings.ts'
import { configOf } from '../../helpers/configuration.ts'

function warningsOf (text: string): string[] {
  return configWarnings(configOf(text))
}

test('what is meant as it stands is not warned of', async t => {
  t.strictSame(warningsOf(''), [])
  t.strictSame(warningsOf('mirror: { endpoint: https://rum.example, default: /a }'), [])
  t.strictSame(warningsOf('mirror: { endpoint: https://rum.example, projects: { 1: /a } }'), [])
})

test('a mirror over clear http is warned of', async t => {
  t.match(warningsOf('mirror: { endpoint: http://rum.example, default: /a }'), [/clear text/])
})

test('a mirror that copies nothing is warned of', async t => {
  t.match(warningsOf('mirror: { endpoint: https://rum.example, projects: { 1: off } }'), [/nothing is copied/])
  t.match(warningsOf('mirror: { endpoint: https://rum.example, default: /a }\nroutes: [{ location: /, upstream: web }]'), [/no route has mirror: true/])
})

test('a default beside listed projects is warned of, and the path is not repeated', async t => {
  const warnings = warningsOf('mirror: { endpoint: https://rum.example, default: /s3cr3t/, projects: { 1: /a } }')

  t.match(warnings, [/mirror.default sends every project/, /ends in \//])
  t.notMatch(warnings.join(), /s3cr3t/)
})

test('authorities that no https endpoint uses, a port on two addresses, and trust in everyone are warned of', async t => {
  t.match(warningsOf('listeners: [{ port: 80 }, { port: 80, host: 127.0.0.1 }]'), [/share port 80/])
  t.match(warningsOf('real_ip: { trusted: [0.0.0.0/0] }'), [/every address/])
  const { mirror, ...rest } = configOf('mirror: { endpoint: http://rum.example, default: /a }')
  t.match(configWarnings({ ...rest, mirror: mirror && { ...mirror, ca: 'PEM' } }), [/clear text/, /mirror.ca has no effect/])
})

test('an admin listener that others reach without a token is warned of, and what to write is said', async t => {
  t.match(warningsOf('admin: { host: "::" }'), [/admin\.host is :: and admin\.token is off.*port 9145.*write token: "\$\{MIRROR_ROUTER_ADMIN_TOKEN\}"/])
  t.match(warningsOf('admin: { host: router.example, port: 1 }'), [/port 1 /])
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) t.strictSame(warningsOf(`admin: { host: "${host}" }`), [], host)
  t.strictSame(warningsOf('admin: { host: "::", token: 0123456789abcdef }'), [])
})

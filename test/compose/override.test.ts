/** The overrides as they are written. What compose makes of them is in merged.test.ts. */
import { test } from 'tap'
import { loadConfigFile } from '../../src/config/config-file.ts'
import { VERSION } from '../../src/version.ts'
import { composeFile, exampleVariables, pathOf, textOf, variablesOf } from './override-files.ts'

const FULL = 'config/docker-compose.override.yml'
const DUAL_WRITE = 'config/docker-compose.dual-write.override.yml'
const ROUTER = 'config/router.compose.yaml'

test('the override gives the router both ports, its configuration, and a volume for what it keeps', async t => {
  const { services, volumes } = composeFile(FULL)
  const router = services['nginx']

  t.strictSame(router?.ports, ['$SENTRY_BIND:80/tcp', '${SENTRY_RUM_BIND:-9001}:81/tcp'])
  t.strictSame(router?.volumes, ['./mirror-router:/etc/mirror-router:ro', 'sentry-mirror-spool:/var/lib/mirror-router'])
  t.ok(Object.hasOwn(volumes ?? {}, 'sentry-mirror-spool'))
  t.strictSame(router?.expose, ['9145'], 'for the network of the project only')
  t.equal(router?.stop_grace_period, '40s', 'longer than the 30 s of a drain')
  t.strictSame(router?.logging, { driver: 'json-file', options: { 'max-size': '50m', 'max-file': '5' } })
})

test('the router waits for no other service, and is not restarted with one', async t => {
  for (const file of [FULL, DUAL_WRITE]) {
    const dependencies = Object.values(composeFile(file).services['nginx']?.depends_on ?? {})

    t.ok(dependencies.length >= 2, file)
    for (const dependency of dependencies) t.strictSame(dependency, { condition: 'service_started', restart: false }, file)
  }
})

test('the override for copies alone is the other one without port 81 and without the second Sentry', async t => {
  const full = composeFile(FULL)
  const dualWrite = composeFile(DUAL_WRITE)
  const { 'web-rum': _, ...dependencies } = full.services['nginx']?.depends_on ?? {}

  t.strictSame(dualWrite.services, { nginx: { ...full.services['nginx'], ports: ['$SENTRY_BIND:80/tcp'], depends_on: dependencies } })
  t.strictSame(dualWrite.volumes, full.volumes)
})

test('web-rum and snuba-api-rum are those of the document', async t => {
  const ours = composeFile(FULL).services
  const documents = composeFile('test/fixtures/compose/document.yml').services

  for (const name of ['web-rum', 'snuba-api-rum']) {
    const { image, ...rest } = ours[name] ?? {}
    const { image: documentsImage, ...documentsRest } = documents[name] ?? {}
    t.strictSame(rest, documentsRest, name)
    t.strictSame(variablesOf(image ?? ''), variablesOf(documentsImage ?? ''), `the image of ${name}`)
  }
})

test('an image that is not named is the one of this version', async t => {
  for (const file of [FULL, DUAL_WRITE]) {
    t.equal(composeFile(file).services['nginx']?.image, `\${MIRROR_ROUTER_IMAGE:-mirror-router:${VERSION}}`, file)
  }
  t.equal(exampleVariables().find(({ name }) => name === 'MIRROR_ROUTER_IMAGE')?.value, `mirror-router:${VERSION}`)
})

test('every variable of the overrides is in .env.example once, with its explanation, and no other is', async t => {
  const used = variablesOf(`${textOf(FULL)}\n${textOf(DUAL_WRITE)}`)
  const explained = exampleVariables()

  t.strictSame(explained.map(({ name }) => name).toSorted(), [...used].toSorted())
  for (const { name, explanation } of explained) t.ok(explanation.length > 20, `${name} is explained`)
})

test('every variable that is read by the settings of Sentry is given to web-rum', async t => {
  const read = new Set([...textOf('config/sentry.conf.rum.py').matchAll(/"((?:SLS|ENABLE|USE)_[A-Z_]+)"/g)].map(([, name]) => name))
  const given = composeFile(FULL).services['web-rum']?.environment ?? {}

  t.ok(read.size >= 8)
  for (const name of read) t.ok(Object.hasOwn(given, String(name)), `${name} is given`)
})

test('appending .env.example to an .env changes none of the values of self-hosted', async t => {
  const variables = exampleVariables()

  t.strictSame(
    variables.filter(({ commentedOut }) => commentedOut).map(({ name }) => name),
    ['SENTRY_BIND', 'HEALTHCHECK_INTERVAL', 'HEALTHCHECK_TIMEOUT', 'HEALTHCHECK_RETRIES', 'HEALTHCHECK_START_PERIOD',
      'COMPOSE_PROFILES', 'SENTRY_EVENT_RETENTION_DAYS', 'SENTRY_MAIL_HOST', 'SENTRY_MAX_EXTERNAL_SOURCEMAP_SIZE']
  )
})

test('every variable that router.yaml is filled from is given to the router', async t => {
  const given = Object.keys(composeFile(FULL).services['nginx']?.environment ?? {})

  t.strictSame([...variablesOf(textOf(ROUTER))].toSorted(), given.toSorted())
})

test('the router.yaml beside the overrides copies nothing until an endpoint is named', async t => {
  const { config } = await loadConfigFile(pathOf(ROUTER), { RUM_ENDPOINT: 'off', RUM_DEFAULT_PATH: 'off', MIRROR_ROUTER_ADMIN_TOKEN: 'off' })

  t.equal(config?.mirror, null)
  t.strictSame(config?.listeners.map(({ port, ui }) => [port, ui]), [[80, 'web'], [81, 'web-rum']])
  t.equal(config?.admin.host, '::', 'the other containers reach the metrics')
})

test('with the variables of .env.example filled in, the router.yaml copies to that endpoint', async t => {
  const { config } = await loadConfigFile(pathOf(ROUTER), {
    RUM_ENDPOINT: 'https://rum.example.com',
    RUM_DEFAULT_PATH: '/rum/sentry/workspace/service',
    MIRROR_ROUTER_ADMIN_TOKEN: '0123456789abcdef'
  })

  t.equal(config?.mirror?.endpoint.origin, 'https://rum.example.com')
  t.equal(config?.mirror?.default, '/rum/sentry/workspace/service')
})

test('what is left of .env.example in an .env is refused by name', async t => {
  const environment = Object.fromEntries(exampleVariables().map(({ name, value }) => [name, value]))

  const { faults } = await loadConfigFile(pathOf(ROUTER), environment)

  t.match(faults, [{ message: /the placeholder <endpoint> is left/ }])
})

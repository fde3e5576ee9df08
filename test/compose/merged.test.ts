/**
 * The overrides merged with the compose file of self-hosted Sentry. It needs a checkout of
 * getsentry/self-hosted (a bare one will do) in SELF_HOSTED, and docker compose.
 */
import { test } from 'tap'
import { loadConfigFile } from '../../src/config/config-file.ts'
import { copySelfHosted, merge, nginxConfOf, versionsOf, whyNot } from './merge.ts'
import type { Merged, MergedService } from './merge.ts'
import { exampleVariables } from './override-files.ts'

const FULL = 'config/docker-compose.override.yml'
const DUAL_WRITE = 'config/docker-compose.dual-write.override.yml'
const DOCUMENTS = 'test/fixtures/compose/document.yml'

const { env } = process
const selfHosted = env['SELF_HOSTED'] ?? ''
const skip = whyNot(env)
const versions = skip === false ? versionsOf(selfHosted) : ['none']

/** Keys of `nginx` that an override of ours sets or adds to; the others stay as they are. */
const SET = ['image', 'ports', 'expose', 'environment', 'volumes', 'depends_on', 'stop_grace_period', 'logging']

/** What .env.example says, filled in. */
const FILLED_IN = Object.fromEntries(exampleVariables()
  .filter(({ commentedOut }) => !commentedOut)
  .map(({ name, value }) => [name, value.replaceAll(/<[^>]*>/g, 'filled-in')]))

for (const version of versions) {
  for (const override of [FULL, DUAL_WRITE]) {
    const merged = `self-hosted ${version} with ${override}`

    test(`${merged}: each key of nginx is as written`, { skip }, async t => {
      const folder = t.testdir()
      copySelfHosted(selfHosted, version, folder, FILLED_IN)

      const before = serviceOf(merge(env, folder), 'nginx')
      const after = serviceOf(merge(env, folder, override), 'nginx')

      t.strictSame(without(after, SET), without(before, SET), 'health check, networks, restart and the rest are untouched')
      t.equal(after['image'], FILLED_IN['MIRROR_ROUTER_IMAGE'])
      t.strictSame(after.ports?.map(({ published, target }) => `${published}:${target}`), override === FULL ? ['9000:80', '9001:81'] : ['9000:80'])
      t.strictSame(after['expose'], ['9145'])
      t.strictSame(after['environment'], { RUM_ENDPOINT: 'https://filled-in', RUM_DEFAULT_PATH: 'off', MIRROR_ROUTER_ADMIN_TOKEN: 'off' })
      t.equal(after['stop_grace_period'], '40s')
      t.strictSame(after['logging'], { driver: 'json-file', options: { 'max-size': '50m', 'max-file': '5' } })

      const added = after.volumes?.slice(before.volumes?.length) ?? []
      t.strictSame(after.volumes?.slice(0, before.volumes?.length), before.volumes, 'the mounts of the base file are there')
      t.match(added, [
        { type: 'bind', source: /\/mirror-router$/, target: '/etc/mirror-router', read_only: true },
        { type: 'volume', source: 'sentry-mirror-spool', target: '/var/lib/mirror-router' }
      ])
      t.equal(added.length, 2)

      const dependencies = Object.entries(after.depends_on ?? {})
      t.strictSame(dependencies.map(([name]) => name).toSorted(), override === FULL ? ['relay', 'web', 'web-rum'] : ['relay', 'web'])
      for (const [name, { condition, restart }] of dependencies) {
        t.equal(condition, 'service_started', name)
        t.not(restart, true, name)
      }
    })

    test(`${merged}: nothing else of it changes`, { skip }, async t => {
      const folder = t.testdir()
      copySelfHosted(selfHosted, version, folder, FILLED_IN)

      const before = merge(env, folder)
      const after = merge(env, folder, override)

      const added = override === FULL ? ['snuba-api-rum', 'web-rum'] : []
      t.strictSame(without(after.services, ['nginx', ...added]), without(before.services, ['nginx']))
      t.strictSame(Object.keys(after.services).toSorted(), [...Object.keys(before.services), ...added].toSorted())
      t.strictSame(without(after.volumes, ['sentry-mirror-spool']), before.volumes)
      t.ok(Object.hasOwn(after.volumes, 'sentry-mirror-spool'))
      t.strictSame(after.networks, before.networks)
    })

    test(`${merged}: it can start`, { skip }, async t => {
      const folder = t.testdir()
      copySelfHosted(selfHosted, version, folder, FILLED_IN)

      const { services } = merge(env, folder, override)

      t.strictSame(waitsForEver(services), [], 'who waits for health waits for a service that has a health check')
      t.strictSame(publishedTwice(services), [])
    })
  }

  test(`self-hosted ${version}: web-rum and snuba-api-rum are as with the document's override`, { skip }, async t => {
    const folder = t.testdir()
    copySelfHosted(selfHosted, version, folder, FILLED_IN)

    const ours = merge(env, folder, FULL)
    const documents = merge(env, folder, DOCUMENTS)

    for (const name of ['web-rum', 'snuba-api-rum']) t.strictSame(serviceOf(ours, name), serviceOf(documents, name), name)
  })

  test(`self-hosted ${version}: an image that is not named is an error that names the variable`, { skip }, async t => {
    const folder = t.testdir()
    const { SENTRY_RUM_IMAGE: _, ...variables } = FILLED_IN
    copySelfHosted(selfHosted, version, folder, variables)

    t.throws(() => merge(env, folder, FULL), /SENTRY_RUM_IMAGE.*\.env\.example/)
    t.doesNotThrow(() => merge(env, folder, DUAL_WRITE))
  })

  test(`self-hosted ${version}: without a router.yaml its own nginx.conf is taken over`, { skip }, async t => {
    const folder = t.testdir()
    copySelfHosted(selfHosted, version, folder, FILLED_IN)

    const { config, faults } = await loadConfigFile(nginxConfOf(folder) ?? '', {})

    t.strictSame(faults, undefined)
    t.strictSame(config?.listeners.map(({ port, ui }) => [port, ui]), [[80, 'sentry']])
  })
}

function serviceOf ({ services }: Merged, name: string): MergedService {
  const service = services[name]
  if (service === undefined) throw new Error(`there is no service ${name}`)
  return service
}

function without (object: Readonly<Record<string, unknown>>, keys: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

/** `service → dependency` where the dependency has no health check to wait for. */
function waitsForEver (services: Merged['services']): readonly string[] {
  return Object.entries(services).flatMap(([name, { depends_on: dependencies = {} }]) => Object.entries(dependencies)
    .filter(([dependency, { condition }]) => condition === 'service_healthy' && services[dependency]?.healthcheck === undefined)
    .map(([dependency]) => `${name} → ${dependency}`))
}

function publishedTwice (services: Merged['services']): readonly string[] {
  const published = Object.values(services).flatMap(({ ports = [] }) => ports.map(port => `${port.host_ip ?? '*'}:${port.published}`))
  return published.filter((port, index) => published.indexOf(port) !== index)
}

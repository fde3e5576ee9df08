/** What the program relies on in every configuration that was accepted, beyond what types can say. */
import { isIP } from 'node:net'
import type { Config, MirrorConfig } from '../../src/config/config.ts'
import { importedWords } from '../../src/config/imported.ts'
import { configWarnings } from '../../src/config/warnings.ts'
import { createScrub, secretsOf } from '../../src/log/scrub.ts'
import { packConfig, unpackConfig } from '../../src/process/carry-config.ts'
import { compileTrusted } from '../../src/proxy/client-address.ts'
import { createRouteTable } from '../../src/routing/table.ts'

/** The longest time a timer can count; setTimeout fires at once beyond it. */
const MAX_TIMER_MS = 2 ** 31 - 1
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[!-~](?:[ -~]*[!-~])?$/

/** One line for each that does not hold. @throws What building a part of the program from it throws. */
export function brokenInvariants (config: Config): string[] {
  const broken: string[] = []
  const must = (holds: boolean, what: string): void => { if (!holds) broken.push(what) }
  const port = (value: number, least: number, where: string): void => { must(Number.isInteger(value) && value >= least && value <= 65_535, `${where}: port ${value}`) }
  const wait = (value: number, least: number, where: string): void => { must(Number.isInteger(value) && value >= least && value <= MAX_TIMER_MS, `${where}: ${value} ms`) }
  const bytes = (value: number, where: string): void => { must(Number.isSafeInteger(value) && value > 0, `${where}: ${value} bytes`) }
  const names = (values: readonly string[], form: RegExp, where: string): void => { for (const value of values) must(form.test(value), `${where}: ${JSON.stringify(value)}`) }

  must(config.listeners.length > 0, 'no listener')
  for (const { port: number, host, ui } of config.listeners) {
    port(number, 0, 'listeners')
    must(host !== '' && Object.hasOwn(config.upstreams, ui), `listener ${host}:${number} with ui ${ui}`)
  }
  for (const upstream of Object.values(config.upstreams)) {
    must(upstream.servers.length > 0, `${upstream.name} has no servers`)
    for (const server of upstream.servers) {
      port(server.port, 1, upstream.name)
      must(/^[A-Za-z0-9_.:-]+$/.test(server.host), `${upstream.name}: host ${server.host}`)
    }
    for (const ms of [upstream.connectTimeoutMs, upstream.sendTimeoutMs, upstream.readTimeoutMs]) wait(ms, 1, upstream.name)
    must(Number.isInteger(upstream.nextUpstreamTries) && upstream.nextUpstreamTries >= 0, `${upstream.name}: tries ${upstream.nextUpstreamTries}`)
  }
  must(config.routes.length > 0, 'no route')
  for (const { location, upstream, root, internal, addHeaders, hideHeaders, types, rewrite } of config.routes) {
    must([upstream !== null, root !== null, internal].filter(Boolean).length === 1, `${location} is not one thing`)
    must(upstream === null || upstream === 'ui' || Object.hasOwn(config.upstreams, upstream), `${location} goes to ${upstream ?? ''}`)
    must(root === null || (root.startsWith('/') && !root.includes('\0')), `${location}: root ${root ?? ''}`)
    must(rewrite === null || /^\/[!-~]*$/.test(rewrite), `${location}: rewrite ${rewrite ?? ''}`)
    names(addHeaders.map(([name]) => name), TOKEN, location)
    names(addHeaders.map(([, value]) => value), VALUE, location)
    names(hideHeaders, /^[^A-Z\s]+$/, location)
    names(Object.values(types), VALUE, location)
  }
  for (const ms of [config.client.headerTimeoutMs, config.client.bodyTimeoutMs, config.client.sendTimeoutMs]) wait(ms, 1, 'client')
  wait(config.client.keepaliveTimeoutMs, 0, 'client')
  bytes(config.client.maxBodyBytes, 'client')
  names(config.realIp.trusted.map(range => range.split('/')[0] ?? ''), /^[0-9a-f:.]+$/i, 'real_ip')
  must(config.realIp.trusted.every(range => isIP(range.split('/')[0] ?? '') !== 0), 'real_ip')
  if (config.mirror !== null) broken.push(...brokenMirror(config.mirror))
  bytes(config.spool.maxBytes, 'spool')
  bytes(config.spool.deadLetters.maxBytes, 'spool.dead_letters')
  wait(config.spool.commitTimeoutMs, 0, 'spool')
  must(config.spool.deadLetters.maxAgeMs >= 1000, 'spool.dead_letters')
  must(config.spool.path.startsWith('/') && !config.spool.path.includes('\0'), 'spool.path')
  port(config.admin.port, 0, 'admin')
  must(config.admin.token === null || /^[!-~]{16,}$/.test(config.admin.token), 'admin.token')
  must(Number.isInteger(config.workers) && config.workers >= 1 && config.workers <= 256, `workers: ${config.workers}`)
  must(Object.getPrototypeOf(config) === Object.prototype && Object.isFrozen(config), 'not a frozen plain object')
  build(config)
  return broken
}

function brokenMirror (mirror: MirrorConfig): string[] {
  const { endpoint, host, projects, retry, concurrency, dropHeaders } = mirror
  const paths = [mirror.default, ...projects.values()].filter(path => path !== null)
  const waits = [mirror.connectTimeoutMs, mirror.sendTimeoutMs, mirror.readTimeoutMs, retry.initialMs, retry.maxMs]
  const checks: readonly (readonly [boolean, string])[] = [
    [/^https?:$/.test(endpoint.protocol) && endpoint.pathname === '/' && endpoint.username === '' && endpoint.search === '', `endpoint ${endpoint.href}`],
    [/^[A-Za-z0-9_.:[\]-]+$/.test(host), `host ${host}`],
    [paths.every(path => /^\/[!-~]*$/.test(path)), 'a path that cannot be sent'],
    [[...projects.keys()].every(id => /^[1-9][0-9]*$/.test(id)), 'a project without an id'],
    [waits.every(ms => Number.isInteger(ms) && ms >= 1 && ms <= MAX_TIMER_MS), `times ${waits.join(' ')}`],
    [retry.initialMs <= retry.maxMs && Number.isSafeInteger(retry.maxAgeMs) && retry.maxAgeMs >= 1, 'retry'],
    [Number.isInteger(concurrency) && concurrency >= 1, `concurrency ${concurrency}`],
    [dropHeaders.every(name => TOKEN.test(name) && name === name.toLowerCase()), 'drop_headers']
  ]
  return checks.filter(([holds]) => !holds).map(([, what]) => `mirror: ${what}`)
}

/** Everything that is made of a configuration before the first request. */
function build (config: Config): void {
  createRouteTable(config.routes)
  compileTrusted(config.realIp.trusted, config.realIp.recursive)
  createScrub(secretsOf(config))('')
  configWarnings(config)
  importedWords(config)
  unpackConfig(structuredClone(packConfig(config)))
}

/** A real Prometheus looks at a running router of two workers, with the alert rules as shipped but for their patience. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { test, type Test } from 'tap'
import { request } from 'undici'
import { METRICS, type MetricSpec } from '../../src/admin/metrics-table.ts'
import { startBackend } from '../helpers/backends.ts'
import { startPrometheus, type Prometheus } from '../helpers/prometheus.ts'
import { promtool, seriesNames } from '../helpers/promtool.ts'
import { eventually, startAll, type StartedRouter } from '../helpers/router.ts'

t.setTimeout(120_000)

const shipped = await readFile(new URL('../../config/prometheus-alerts.yml', import.meta.url), 'utf8')
/** Minutes become seconds, in how long something must last and in what rates are taken over. */
const impatient = shipped.replace(/\bfor: \d+m/g, 'for: 1s').replace(/\[\d+m\]/g, '[5s]')

const dashboard = JSON.parse(await readFile(new URL('../../config/grafana-dashboard.json', import.meta.url), 'utf8')) as { panels: { targets?: { expr: string }[] }[] }
const dashboardExpressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => asGrafanaWould(expr)))

test('Prometheus sums up what was sent, sees no counter go back when a worker is killed, and fills the dashboard', async t => {
  const { router, endpoint } = await startAll(t, { workers: 2 })
  const prometheus = await startPrometheus(t, new URL(router.adminUrl).host, shipped)

  for (let i = 0; i < 30; i++) await post(router, 1)
  for (let i = 0; i < 20; i++) await post(router, 2)
  for (let i = 0; i < 10; i++) await send(`${router.url81}/organizations/`, 'GET')
  await endpoint.received(50)

  await prometheus.valueIs(30, 'sum(mirror_accepted_total{job="mirror-router", project="1"})')
  await prometheus.valueIs(20, 'sum(mirror_accepted_total{project="2"})')
  await prometheus.valueIs(50, 'sum(mirror_delivered_total)')
  await prometheus.valueIs(50, 'mirror_delivery_duration_seconds_count')
  await prometheus.valueIs(10, `sum(router_requests_total{listener="${router.port81}", route="/", code="200"})`)
  await prometheus.valueIs(60, 'sum(router_requests_total)')
  await prometheus.valueIs(0, 'mirror_pending')
  await prometheus.valueIs(1, 'mirror_endpoint_up')
  await prometheus.valueIs(1, 'min(up{job="mirror-router"})')

  await killWorkerUnderTraffic(router, prometheus)

  t.strictSame(await wentBack(prometheus), [], 'all of them are there, and none went back')
  t.ok((await sum(prometheus, 'sum(router_requests_total)')) > 60, 'and counting went on')
  const shown = await Promise.all(dashboardExpressions.map(async expression => (await prometheus.query(expression)).length))
  t.strictSame(dashboardExpressions.filter((expression, index) => shown[index] === 0 && !expression.endsWith('> 0')), [], 'panels with nothing to show')
})

test('Prometheus finds no fault with the metrics of a router that was used, and each is explained', async t => {
  const { router, endpoint } = await startAll(t, { workers: 2 })
  for (let i = 0; i < 10; i++) await post(router, 1)
  await send(`${router.url80}/`, 'GET')
  await endpoint.received(10)
  await router.metricIs(10, 'mirror_delivered_total')

  const text = await (await fetch(`${router.adminUrl}/metrics`)).text()

  t.strictSame(await promtool(['check', 'metrics'], text), { code: 0, output: '' })
  for (const { name, type } of Object.values<MetricSpec>(METRICS)) {
    t.match(text, new RegExp(`^# HELP ${name} .`, 'm'))
    t.match(text, `# TYPE ${name} ${type}\n`)
    t.match(text, new RegExp(`^${name}(_bucket)?[ {]`, 'm'), `${name} has a value`)
  }
})

test('a worker that dies while a scrape waits for another is counted once', async t => {
  const { router, endpoint } = await startAll(t, { workers: 2 })
  for (let i = 0; i < 30; i++) await post(router, 1)
  await endpoint.received(30)
  await router.metricIs(30, 'mirror_delivered_total')
  const [victim = 0, silent = 0] = await workersOf(router)

  process.kill(silent, 'SIGSTOP')
  const scrape = router.metric('router_requests_total')
  // The scrape waits for the silent one for a second; the victim has answered by now, or is counted by what it said before.
  await new Promise(resolve => { setTimeout(resolve, 300) })
  process.kill(victim, 'SIGKILL')
  const seen = await scrape
  process.kill(silent, 'SIGCONT')

  t.equal(seen, 30)
})

test('alerts fire while the endpoint, an upstream, the file or the router is not well, and end when it is', async t => {
  const { relay, endpoint, router } = await startAll(t, { workers: 2 })
  const prometheus = await startPrometheus(t, new URL(router.adminUrl).host, impatient)
  const traffic = startTraffic(t, router)
  await prometheus.valueIs(1, 'up{job="mirror-router"}')
  await eventually(async () => await sum(prometheus, 'sum(mirror_delivered_total)') > 10 ? null : 'nothing is delivered')
  const outages = ['MirrorRouterEndpointDown', 'MirrorRouterUpstreamDown', 'MirrorRouterNoMetrics']
  const isFiring = (alert: string, expected: boolean): Promise<void> => eventually(async () => {
    const firing = await prometheus.firing()
    return firing.includes(alert) === expected ? null : `${alert} should ${expected ? '' : 'not '}fire; these do: ${firing.join(', ')}`
  }, 30_000)

  await isFiring('MirrorRouterNoMetrics', false)
  t.strictSame((await prometheus.firing()).filter(alert => outages.includes(alert)), [])

  await endpoint.stop()
  await isFiring('MirrorRouterEndpointDown', true)
  t.notOk((await prometheus.firing()).includes('MirrorRouterUpstreamDown'), 'clients notice nothing')
  const [down] = await prometheus.query('ALERTS{alertname="MirrorRouterEndpointDown"}')
  t.match(down?.labels, { severity: 'warning', job: 'mirror-router' })
  await startBackend(t, undefined, endpoint.port)
  await isFiring('MirrorRouterEndpointDown', false)

  await relay.stop()
  await isFiring('MirrorRouterUpstreamDown', true)
  await startBackend(t, undefined, relay.port)
  await isFiring('MirrorRouterUpstreamDown', false)

  const file = join(router.folder, 'router.yaml')
  const good = await readFile(file, 'utf8')
  await writeFile(file, `${good}\nnonsense: 1\n`)
  router.process.kill('SIGHUP')
  await isFiring('MirrorRouterReloadFailed', true)
  await writeFile(file, good)
  router.process.kill('SIGHUP')
  await isFiring('MirrorRouterReloadFailed', false)

  traffic.stop()
  await router.stop()
  await isFiring('MirrorRouterNoMetrics', true)
})

/** With everything chosen that can be chosen. */
function asGrafanaWould (expression: string): string {
  return expression.replaceAll('$__rate_interval', '1m').replace(/\$(job|instance)/g, '.+')
}

/** One worker is killed while requests come in all the time; resolves when a new one has been scraped a few times. */
async function killWorkerUnderTraffic (router: StartedRouter, prometheus: Prometheus): Promise<void> {
  const before = await workersOf(router)
  const [victim = 0] = before
  const scrapes = (): Promise<number> => sum(prometheus, 'count_over_time(up{job="mirror-router"}[10m])')
  const scrapesBefore = await scrapes()
  let killed = false
  let isBack = false
  while (!isBack) {
    // A request that the victim had taken is lost with it.
    await post(router, 1).catch(() => {})
    const scraped = await scrapes() - scrapesBefore
    if (!killed && scraped >= 2) {
      process.kill(victim, 'SIGKILL')
      killed = true
    }
    isBack = scraped >= 8 && (await workersOf(router)).filter(pid => pid !== victim).length === before.length
  }
}

/** Names of counters that Prometheus saw go back; histograms are made of counters. */
async function wentBack (prometheus: Prometheus): Promise<string[]> {
  const gauges = new Set(Object.values<MetricSpec>(METRICS).filter(({ type }) => type === 'gauge').map(({ name }) => name))
  const counters = [...seriesNames()].filter(name => !gauges.has(name))
  const resets = await Promise.all(counters.map(name => prometheus.query(`max(resets(${name}{job="mirror-router"}[10m]))`)))
  return counters.filter((_, index) => resets[index]?.[0]?.value !== 0)
}

async function sum (prometheus: Prometheus, expression: string): Promise<number> {
  return (await prometheus.query(expression))[0]?.value ?? 0
}

/** A post every 20 ms, whatever becomes of it. */
function startTraffic (t: Test, router: StartedRouter): { stop: () => void } {
  const timer = setInterval(() => { post(router, 1).catch(() => {}) }, 20)
  const stop = (): void => { clearInterval(timer) }
  t.teardown(stop)
  return { stop }
}

function post (router: StartedRouter, project: number): Promise<void> {
  return send(`${router.url80}/api/${project}/envelope/?sentry_key=a`, 'POST', '{}\n')
}

/** On a connection of its own, so that every worker gets some. */
async function send (url: string, method: 'GET' | 'POST', body?: string): Promise<void> {
  const answer = await request(url, { method, body: body ?? null, reset: true })
  await answer.body.dump()
}

/** Linux: the supervisor's children (proc(5)). */
async function workersOf (router: StartedRouter): Promise<number[]> {
  const { pid } = router.process
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)
}

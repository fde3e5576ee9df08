import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { stringify } from 'yaml'
import { METRICS, type MetricSpec } from '../../../src/admin/metrics-table.ts'
import { metricsIn, promtool, seriesNames } from '../../helpers/promtool.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number, readonly y: number, readonly w: number, readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string, readonly type: string, readonly query: string }[] }
  readonly panels: readonly Panel[]
}

const source = await readFile(new URL('../../../config/grafana-dashboard.json', import.meta.url), 'utf8')
const dashboard = JSON.parse(source) as Dashboard
const panels = dashboard.panels.filter(({ type }) => type !== 'row')
/** Of panels and of annotations, wherever they stand. */
const expressions = [...source.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, text = '']) => JSON.parse(text) as string)

test('every expression of the dashboard is one that Prometheus can read', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'rules.yml')
  const rules = expressions.map((expr, index) => ({ record: `expression_${index}`, expr: expr.replaceAll('$__rate_interval', '5m') }))
  await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules }] }))

  const { code, output } = await promtool(['check', 'rules', '--lint=none', file])

  t.ok(expressions.length > 50, `${expressions.length} expressions`)
  t.equal(code, 0, output)
  t.match(output, `${expressions.length} rules found`)
})

test('the dashboard names no metric that does not exist, and shows every one that does', async t => {
  const known = seriesNames()
  const used = new Set(expressions.flatMap(metricsIn))
  const shown = (name: string): boolean => [name, `${name}_bucket`].some(series => used.has(series))

  t.strictSame([...used].filter(name => !known.has(name) && name !== 'ALERTS'), [])
  t.strictSame(Object.values<MetricSpec>(METRICS).map(({ name }) => name).filter(name => !shown(name)), [])
})

test('every expression of a panel is of the job and the instance that were chosen', async t => {
  for (const expression of panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))) {
    const metrics = metricsIn(expression).length
    t.equal(expression.split('{job=~"$job", instance=~"$instance"').length - 1, metrics, expression)
  }
})

test('the dashboard asks for a data source and no more, when it is imported', async t => {
  const variables = dashboard.templating.list.map(({ name, type }) => `${name} ${type}`)

  t.strictSame(variables, ['DS_PROMETHEUS datasource', 'job query', 'instance query'])
  for (const { title, datasource } of panels) t.equal(datasource?.uid, '${DS_PROMETHEUS}', title)
  t.notMatch(source, '__inputs')
})

test('panels have a place of their own, a number of their own, and say what they show', async t => {
  const cells = new Set<string>()
  let area = 0
  for (const { gridPos: { x, y, w, h } } of dashboard.panels) {
    area += w * h
    for (let column = x; column < x + w; column++) for (let line = y; line < y + h; line++) cells.add(`${column} ${line}`)
    t.ok(x + w <= 24)
  }

  t.equal(cells.size, area, 'none lies over another')
  t.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  t.strictSame(panels.filter(({ description = '' }) => description === '').map(({ title }) => title), [])
})

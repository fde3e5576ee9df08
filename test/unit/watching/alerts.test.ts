import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { parse } from 'yaml'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { metricsIn, promtool, seriesNames } from '../../helpers/promtool.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string, readonly description: string, readonly runbook: string }
}

interface RuleTests {
  readonly tests: readonly {
    readonly name: string
    readonly input_series: readonly { readonly series: string }[]
    readonly promql_expr_test: readonly { readonly exp_samples: readonly { readonly labels: string }[] }[]
  }[]
}

const root = new URL('../../../', import.meta.url)
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8')
const file = (path: string): string => fileURLToPath(new URL(path, root))
const fixtures = readdirSync(new URL('test/fixtures/prometheus/', root)).map(name => `test/fixtures/prometheus/${name}`)
const { groups } = parse(await read('config/prometheus-alerts.yml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap(group => group.rules)
const tests = (await Promise.all(fixtures.map(read))).flatMap(text => (parse(text) as RuleTests).tests)

test('Prometheus can read the alert rules and the example of a configuration', async t => {
  const checkedRules = await promtool(['check', 'rules', file('config/prometheus-alerts.yml')])
  const checkedConfig = await promtool(['check', 'config', file('config/prometheus.yml')])

  t.equal(checkedRules.code, 0, checkedRules.output)
  t.match(checkedRules.output, `${rules.length} rules found`)
  t.equal(checkedConfig.code, 0, checkedConfig.output)
})

test('alerts fire when they should, and not when they should not', async t => {
  const { code, output } = await promtool(['test', 'rules', ...fixtures.map(file)])

  t.equal(code, 0, output)
})

test('every alert has a test in which it fires, and one in which it is quiet', async t => {
  for (const { alert, expr, labels: { severity } } of rules) {
    const own = tests.filter(({ name }) => name.startsWith(`${alert} `))
    const fires = own.filter(({ promql_expr_test: looks }) => looks.some(({ exp_samples: firing }) =>
      firing.some(({ labels }) => labels.includes(`alertname="${alert}"`) && labels.includes(`severity="${severity}"`))))
    const quiet = own.filter(({ name, promql_expr_test: looks }) => name.startsWith(`${alert} is quiet`) &&
      looks.every(({ exp_samples: firing }) => !firing.some(({ labels }) => labels.includes(`alertname="${alert}"`))))
    const hasInput = quiet.every(({ input_series: input }) => metricsIn(expr).some(metric => input.some(({ series }) => series.startsWith(`${metric}{`))))

    t.ok(fires.length > 0, `${alert}, ${severity}, fires`)
    t.ok(quiet.length > 0, `${alert}, ${severity}, is quiet`)
    t.ok(hasInput, `${alert} has something to be quiet about`)
  }
})

test('alerts look at metrics that exist', async t => {
  const known = new Set([...seriesNames(), 'up'])

  for (const { alert, expr } of rules) t.strictSame(metricsIn(expr).filter(name => !known.has(name)), [], alert)
})

test('every alert says what is wrong, what to do, and where more is written', async t => {
  const page = await read('docs/monitoring.md')

  for (const { alert, labels: { severity }, annotations: { summary, description, runbook } } of rules) {
    t.match(severity, /^(critical|warning)$/, alert)
    t.ok(summary.length > 20 && summary.endsWith('.'), summary)
    t.match(description, /`[^`]+`/, `${alert} names something to look at`)
    t.equal(runbook, `docs/monitoring.md#${alert.toLowerCase()}`)
    t.ok(page.includes(`\n### ${alert}\n`), `docs/monitoring.md has a section ${alert}`)
  }
})

test('the commands that alerts name exist', async t => {
  const page = `${await read('docs/monitoring.md')}\n${rules.map(({ annotations }) => annotations.description).join('\n')}`
  const known = new Set(COMMANDS.map(({ name }) => name))
  const named = [...page.matchAll(/`mirror-router\s([a-z-]+)/g)].map(([, command = '']) => command)

  t.ok(named.length > 10)
  t.strictSame([...new Set(named)].filter(command => !known.has(command)), [])
})

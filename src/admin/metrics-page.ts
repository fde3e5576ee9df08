/** docs/metrics.md, from the table of metrics. */
import { METRICS, type MetricSpec } from './metrics-table.ts'

export function metricsPage (): string {
  const rows = Object.values<MetricSpec>(METRICS).map(({ name, type, labels, help }) =>
    `| \`${name}\` | ${type} | ${labels.map(label => `\`${label}\``).join(', ')} | ${help} |`)
  return `# Metrics

Printed from \`src/admin/metrics-table.ts\`; do not edit. Prometheus reads them at \`/metrics\` of the admin listener.
Every counter exists at 0 from the start, for the projects, locations and upstreams of the configuration.
\`project\` is an id listed under \`mirror.projects\`, or \`default\`. What to make of them: [monitoring.md](monitoring.md).

The values of several processes are summed. Of these the highest counts: ${named('max')}; of these the
lowest: ${named('min')}. What a process that ended had counted stays counted; its gauges end with it.

At every moment: accepted + replayed = delivered + dead + dropped + pending.

| name | type | labels | what it says |
|---|---|---|---|
${rows.join('\n')}
`
}

function named (aggregator: MetricSpec['aggregator']): string {
  return Object.values<MetricSpec>(METRICS).filter(metric => metric.aggregator === aggregator).map(({ name }) => `\`${name}\``).join(', ')
}

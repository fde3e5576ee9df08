/** docs/metrics.md, from the table of metrics. */
import { METRICS, type MetricSpec } from './metrics-table.ts'

export function metricsPage (): string {
  const rows = Object.values<MetricSpec>(METRICS).map(({ name, type, labels, help }) =>
    `| \`${name}\` | ${type} | ${labels.map(label => `\`${label}\``).join(', ')} | ${help} |`)
  return `# Metrics

Printed from \`src/admin/metrics-table.ts\`; do not edit. Prometheus reads them at \`/metrics\` of the admin listener.
Every counter exists at 0 from the start, for the projects, locations and upstreams of the configuration.
\`project\` is an id listed under \`mirror.projects\`, or \`default\`. Values of several processes are summed; of
\`mirror_oldest_pending_seconds\` and \`config_last_reload_success_timestamp_seconds\` the highest counts.

At every moment: accepted + replayed = delivered + dead + dropped + pending.

| name | type | labels | what it says |
|---|---|---|---|
${rows.join('\n')}
`
}

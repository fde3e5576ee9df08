/**
 * Several processes, one `/metrics`: counters and histograms are summed, gauges as the
 * table says. What a process had counted when it died stays counted.
 */
import { AggregatorRegistry } from 'prom-client'
import type { SnapshotMetric } from './families.ts'
import type { MetricsSnapshot } from './metrics.ts'

export interface MetricsRenderer {
  /** Content type of what `render` returns. */
  readonly contentType: string
  /** @param snapshots - One of each living process. @returns Prometheus' text format. */
  render (snapshots: readonly MetricsSnapshot[]): Promise<string>
  /** The same sums as data. */
  total (snapshots: readonly MetricsSnapshot[]): MetricsSnapshot
  /** Keeps the counters of a process that has ended; its gauges end with it. */
  retire (snapshot: MetricsSnapshot): void
}

export function createMetricsRenderer (): MetricsRenderer {
  let retired: MetricsSnapshot = []

  return {
    contentType: AggregatorRegistry.PROMETHEUS_CONTENT_TYPE,
    render: snapshots => aggregate([...snapshots, retired]).metrics(),
    total: snapshots => sum([...snapshots, retired]),
    retire (snapshot) {
      const counted = snapshot.filter(metric => metric.type !== 'gauge')
      retired = sum([retired, counted])
    }
  }
}

function sum (snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  // The registry's members carry the aggregated values beside what their type says.
  return aggregate(snapshots).getMetricsAsArray() as unknown as SnapshotMetric[]
}

function aggregate (snapshots: readonly MetricsSnapshot[]) {
  return AggregatorRegistry.aggregate<typeof AggregatorRegistry.PROMETHEUS_CONTENT_TYPE>([...snapshots])
}

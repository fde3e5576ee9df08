/** Prometheus' own word on metrics, expressions and rules. A machine without it fails these tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { METRICS, type MetricSpec } from '../../src/admin/metrics-table.ts'

export interface PromtoolResult {
  readonly code: number | null
  /** What it wrote, on both streams. */
  readonly output: string
}

/** @param input - Its standard input. */
export async function promtool (args: readonly string[], input = ''): Promise<PromtoolResult> {
  const child = spawn('promtool', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const failed = once(child, 'error').then(([cause]: unknown[]) => {
    throw new Error('promtool is missing: these tests need it (Debian: prometheus)', { cause })
  })
  // It may end without reading.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const [out, err] = await Promise.race([ended, failed])
  return { code: child.exitCode, output: out + err }
}

/** Every series name the program can show: of a histogram its three. */
export function seriesNames (): Set<string> {
  return new Set(Object.values<MetricSpec>(METRICS).flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]))
}

/** Words of PromQL that stand where a metric's name may. */
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan'])

/** The metrics an expression names. Labels, functions and durations are none. */
export function metricsIn (expression: string): string[] {
  const bare = expression
    .replace(/"[^"]*"|'[^']*'/g, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
  return [...bare.matchAll(/(?<![\w.])[a-z_:][\w:]*(?!\w)(?!\s*\()/gi)].map(([name]) => name).filter(name => !KEYWORDS.has(name.toLowerCase()))
}

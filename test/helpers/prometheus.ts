/** A real Prometheus that scrapes one router every second. A machine without it fails these tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { stringify } from 'yaml'
import { freePorts } from '../../src/demo/router-process.ts'
import { eventually } from './router.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Prometheus {
  /** What an instant query answers now. @throws When Prometheus refuses the expression. */
  readonly query: (expression: string) => Promise<readonly Sample[]>
  /** Resolves once an expression of one sample is `value`. */
  readonly valueIs: (value: number, expression: string, timeoutMs?: number) => Promise<void>
  /** Names of the alerts that fire. */
  readonly firing: () => Promise<readonly string[]>
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: readonly { readonly metric: Record<string, string>, readonly value: readonly [number, string] }[] }
}

/**
 * @param target - Host and port of the router's admin listener; its job is `mirror-router`.
 * @param rules - Text of a rules file.
 */
export async function startPrometheus (t: Test, target: string, rules: string): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  const [port = 0] = await freePorts(1)
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: [{ job_name: 'mirror-router', static_configs: [{ targets: [target] }] }]
  }
  await writeFile(join(folder, 'prometheus.yml'), stringify(config))
  await writeFile(join(folder, 'rules.yml'), rules)

  const child = spawn('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn'
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString() })
  await Promise.race([once(child, 'spawn'), once(child, 'error').then(([cause]: unknown[]) => {
    throw new Error('prometheus is missing: these tests need it (Debian: prometheus)', { cause })
  })])
  t.teardown(async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    if (!t.passing()) t.comment(`Prometheus wrote:\n${output}`)
  })

  const url = `http://127.0.0.1:${port}`
  await eventually(async () => child.exitCode === null && (await fetch(`${url}/-/ready`)).ok ? null : `Prometheus is not ready: ${output}`, 20_000)

  async function query (expression: string): Promise<readonly Sample[]> {
    const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`)
    const { status, error = '', data } = await response.json() as Answer
    if (status !== 'success') throw new Error(`${expression}: ${error}`)
    return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }))
  }

  return {
    query,
    valueIs: (value, expression, timeoutMs = 20_000) => eventually(async () => {
      const samples = await query(expression)
      return samples.length === 1 && samples[0]?.value === value ? null : `${expression} is ${JSON.stringify(samples)}, not ${value}`
    }, timeoutMs),
    firing: async () => [...new Set((await query('ALERTS{alertstate="firing"}')).map(({ labels }) => labels['alertname'] ?? ''))]
  }
}

/** The table, on the terminal and in bench/results.md. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { median } from './cpu.ts'
import type { PairedResult } from './paired.ts'
import type { SingleResult, SingleRow } from './single-rows.ts'

export interface Results {
  readonly options: { readonly rounds: number, readonly seconds: number }
  readonly paired: PairedResult[]
  readonly single: (SingleResult & { readonly row: SingleRow })[]
  /** Bodies compared byte by byte at both legs. */
  readonly verified: number
}

const FILE = fileURLToPath(new URL('../results.md', import.meta.url))

export async function printResults (results: Results, write: boolean): Promise<void> {
  const text = render(results)
  console.log(text)
  if (write) await writeFile(FILE, text)
}

function render ({ options, paired, single, verified }: Results): string {
  const comparison = table([
    ['work', 'row', 'nginx µs', 'router µs', 'ratio', 'range', 'target', 'met', 'moonshot', 'p99 nginx / router ms'],
    ...paired.map(({ row, rounds, ratio, least, most }) => [
      `${row.title}, against nginx ${row.against === 'doc' ? 'with the document\'s configuration' : 'tuned'}`, `\`${row.name}\``,
      median(rounds.map(({ nginx }) => nginx.cpuPerRequest)).toFixed(0), median(rounds.map(({ router }) => router.cpuPerRequest)).toFixed(0),
      `**${ratio.toFixed(2)}**`, `${least.toFixed(2)}–${most.toFixed(2)}`, `≤ ${row.target}`, ratio <= row.target ? 'yes' : '**no**',
      row.moonshot === null ? '' : `≤ ${row.moonshot}${ratio <= row.moonshot ? ', met' : ''}`,
      `${median(rounds.map(({ nginx }) => nginx.p99Ms)).toFixed(1)} / ${median(rounds.map(({ router }) => router.p99Ms)).toFixed(1)}`
    ])
  ])
  const alone = table([
    ['work', 'row', 'measured', 'target', 'met'],
    ...single.map(({ row, value, met, note }) => [row.title, `\`${row.name}\``, `${value}${note === '' ? '' : ` (${note})`}`, row.target, met === null ? '' : met ? 'yes' : '**no**'])
  ])
  return `# The router beside nginx

Written by \`npm run bench -- --write\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores,
Linux ${output('uname', ['-r'])}, Node ${process.version}, ${nginxVersion()}. ${options.rounds} rounds of ${options.seconds} s; nginx and the router in turn on core 0, wrk and the
stand-ins on the others. CPU is user and system time of all processes of the subject, in µs per request, what is delivered after
the load included. Router: durable spool, mirror, access log and metrics on, and what the image sets for Node. Before the runs ${verified} bodies of 0 to 300 KB went
through the router and arrived byte by byte at both legs; in every round each request was answered with 200, and the endpoint had a
copy of each of the router's (within 2 %; nginx may lose some), else the run fails.

${comparison}

${alone}
`
}

function table (rows: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = rows
  if (rest.length === 0) return ''
  return [head, head.map(() => '---'), ...rest].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function output (command: string, args: readonly string[]): string {
  return execFileSync(command, args).toString().trim()
}

function nginxVersion (): string {
  // It says so on standard error.
  return /nginx\/\S+/.exec(execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin nginx -v 2>&1']).toString())?.[0] ?? 'nginx'
}

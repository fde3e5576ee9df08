/**
 * The durable spool next to the one in memory: CPU per copy for append, claim and ack,
 * copies per second in and out, commit latency; and what a start with a backlog costs.
 *
 *     node bench/spool.ts [--copies 200000] [--rounds 7] [--per-round 10000]
 *                         [--outstanding 64] [--body 2048] [--path FOLDER] [--write]
 *
 * A round measures both spools, one after the other and in turns first, each in this
 * process: rounds are paired, so that a machine that is slow for a while is slow for
 * both. CPU is that of the whole process, LMDB's own threads included.
 *
 * The backlog is written by one process and opened by another, whose memory is its own.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tuneGarbageCollection } from '../src/process/garbage-collection.ts'
import { createLedger } from '../src/spool/ledger.ts'
import { openSpool } from '../src/spool/lmdb-spool.ts'
import { createMemorySpool } from '../src/spool/memory-spool.ts'
import type { Copy, Spool } from '../src/spool/types.ts'

// As the program does.
tuneGarbageCollection()

const { values } = parseArgs({
  options: {
    copies: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '7' },
    'per-round': { type: 'string', default: '10000' },
    outstanding: { type: 'string', default: '64' },
    body: { type: 'string', default: '2048' },
    path: { type: 'string' },
    write: { type: 'boolean', default: false },
    step: { type: 'string' }
  }
})
const COPIES = Number(values.copies)
const ROUNDS = Number(values.rounds)
const PER_ROUND = Number(values['per-round'])
const OUTSTANDING = Number(values.outstanding)
const BODY = Buffer.alloc(Number(values.body), 'x')
const ENOUGH_BYTES = 1024 ** 4
const BATCH = 1000

const now = (): number => Date.now()

const FIELDS = 'Content-Type: application/x-sentry-envelope\r\nUser-Agent: sentry.javascript.node/11.12.0\r\nAccept: */*\r\n' +
  'X-Sentry-Auth: Sentry sentry_version=7, sentry_key=0123456789abcdef0123456789abcdef\r\n'

let copies = 0

function copyNow (): Copy {
  return {
    id: (++copies).toString(16).padStart(32, '0'),
    project: '1',
    takenAt: now(),
    method: 'POST',
    target: '/rum/sentry/workspace/service-1/api/1/envelope/?sentry_key=0123456789abcdef0123456789abcdef&sentry_version=7',
    fields: `X-Request-Id: ${copies.toString(16).padStart(32, '0')}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-For: 203.0.113.7\r\n${FIELDS}`,
    framed: true,
    body: {
      length: BODY.length,
      // Bytes of its own, as a request's are.
      chunks: [Buffer.from(BODY)],
      file: null,
      hold () {},
      release () {},
      takeFile: () => Promise.reject(new Error('in memory'))
    }
  }
}

function fail (fields: object, message?: string): void {
  throw new Error(`${message} ${JSON.stringify(fields)}`)
}

function openDurable (path: string): Spool {
  return openSpool({
    path,
    maxBytes: ENOUGH_BYTES,
    whenFull: 'drop_newest',
    fsync: 'background',
    deadLetters: { maxBytes: ENOUGH_BYTES, maxAgeMs: 1e12 },
    partition: 1,
    onDrop: (_project, reason) => { throw new Error(`a copy was dropped: ${reason}`) },
    onDeadPurged () {},
    ledger: createLedger({ writer: `bench-${process.pid}`, now }),
    log: { info () {}, warn: fail, error: fail },
    now
  })
}

function openInMemory (): Spool {
  return createMemorySpool({ maxBytes: ENOUGH_BYTES, whenFull: 'drop_newest', onDrop: () => { throw new Error('a copy was dropped') }, now })
}

interface Measured {
  /** µs of CPU, user and system, of the whole process. */
  readonly cpuPerCopy: number
  readonly copiesPerSecond: number
  /** From append to durable, in ms, sorted. */
  readonly commits: readonly number[]
}

/** Appends `OUTSTANDING` copies at a time; claims and acks each as soon as it is there, as a healthy endpoint makes it. */
async function passThrough (spool: Spool, count: number): Promise<Measured> {
  const commits: number[] = []
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  for (let sent = 0; sent < count;) {
    const durable: Promise<void>[] = []
    for (let i = 0; i < OUTSTANDING && sent < count; i++, sent++) {
      const at = performance.now()
      const promise = spool.append(copyNow())
      if (promise !== null) durable.push(promise.then(() => { commits.push(performance.now() - at) }))
    }
    for (const claimed of spool.claim(OUTSTANDING, now())) spool.ack(claimed)
    await Promise.all(durable)
    // The memory spool never waits; the event loop turns once per batch all the same.
    await new Promise(resolve => { setImmediate(resolve) })
  }
  for (let left = spool.claim(OUTSTANDING, now()); left.length > 0; left = spool.claim(OUTSTANDING, now())) {
    for (const claimed of left) spool.ack(claimed)
  }
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  if (spool.stats().pending !== 0) throw new Error(`${spool.stats().pending} copies were not taken out`)
  return { cpuPerCopy: (user + system) / count, copiesPerSecond: count / ms * 1000, commits: commits.sort((a, b) => a - b) }
}

interface Backlog {
  readonly inPerSecond: number
  readonly outPerSecond: number
  /** From `openSpool` to its return, and to the first copy claimed. */
  readonly openMs: number
  readonly firstClaimMs: number
  /** Of the process that opened it, before and after the drain. */
  readonly rssMiB: number
  readonly anonymousMiB: number
  readonly drainedAnonymousMiB: number
  readonly highestAnonymousMiB: number
  readonly diskMiB: number
}

type BacklogPart = Partial<Backlog>

/** Appends the backlog and closes the spool: the work of one process. */
async function writeBacklog (path: string): Promise<BacklogPart> {
  const spool = openDurable(path)
  const startedAt = performance.now()
  for (let sent = 0; sent < COPIES; sent += BATCH) {
    await Promise.all(Array.from({ length: Math.min(BATCH, COPIES - sent) }, async () => { await spool.append(copyNow()) }))
  }
  const inPerSecond = COPIES / (performance.now() - startedAt) * 1000
  await spool.close()
  const { blocks } = await stat(join(path, 'data.mdb'))
  return { inPerSecond, diskMiB: blocks * 512 / 1024 ** 2 }
}

/** Opens the backlog and takes it out: the work of another. */
async function drainBacklog (path: string): Promise<BacklogPart> {
  const openedAt = performance.now()
  const spool = openDurable(path)
  const openMs = performance.now() - openedAt
  if (spool.stats().pending !== COPIES) throw new Error(`${spool.stats().pending} of ${COPIES} copies are pending`)
  let claimed = spool.claim(OUTSTANDING, now())
  const firstClaimMs = performance.now() - openedAt
  const { rss, anonymous } = await memory()

  let highest = anonymous
  let taken = 0
  const startedAt = performance.now()
  for (let turn = 1; claimed.length > 0; turn++) {
    for (const copy of claimed) spool.ack(copy)
    taken += claimed.length
    // One turn of the event loop per batch, as answers of an endpoint come in.
    await new Promise(resolve => { setImmediate(resolve) })
    if (turn % 100 === 0) highest = Math.max(highest, (await memory()).anonymous)
    claimed = spool.claim(OUTSTANDING, now())
  }
  await spool.close()
  const outPerSecond = taken / (performance.now() - startedAt) * 1000
  if (taken !== COPIES) throw new Error(`${taken} of ${COPIES} copies came out`)
  return { openMs, firstClaimMs, rssMiB: rss, anonymousMiB: anonymous, outPerSecond, highestAnonymousMiB: highest, drainedAnonymousMiB: (await memory()).anonymous }
}

/** Linux, in MiB: proc(5). Mapped pages of the environment count as resident, but are the page cache's. */
async function memory (): Promise<{ rss: number, anonymous: number }> {
  const status = await readFile('/proc/self/status', 'utf8')
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { rss: kib('VmRSS') / 1024, anonymous: kib('RssAnon') / 1024 }
}

/** Runs a step of this file in a process of its own. */
async function inProcess (step: string, path: string): Promise<BacklogPart> {
  const child = fork(import.meta.filename, [...process.argv.slice(2), '--step', step, '--path', path], { stdio: 'inherit' })
  let result: BacklogPart | null = null
  child.on('message', message => { result = message as BacklogPart })
  const [code] = await once(child, 'exit') as [number | null]
  if (result === null) throw new Error(`the step ${step} ended with ${code}`)
  return result
}

async function measure (folder: string): Promise<string> {
  const spools = {
    durable: openDurable(join(folder, 'rounds')),
    memory: openInMemory()
  }
  const results: Record<keyof typeof spools, Measured[]> = { durable: [], memory: [] }
  for (const spool of Object.values(spools)) await passThrough(spool, PER_ROUND)
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? ['durable', 'memory'] as const : ['memory', 'durable'] as const
    for (const name of order) results[name].push(await passThrough(spools[name], PER_ROUND))
  }
  for (const spool of Object.values(spools)) await spool.close()

  const backlogPath = join(folder, 'backlog')
  const backlog = { ...await inProcess('write', backlogPath), ...await inProcess('drain', backlogPath) } as Backlog
  return report(results.durable, results.memory, backlog)
}

function report (durable: readonly Measured[], memory: readonly Measured[], backlog: Backlog): string {
  const paired = durable.map((round, i) => ({ cpuPerCopy: round.cpuPerCopy - (memory[i]?.cpuPerCopy ?? NaN) }))
  const commits = durable.flatMap(round => round.commits).sort((a, b) => a - b)
  const rows = [
    ['CPU per copy, append + claim + ack', 'µs', spread(durable, round => round.cpuPerCopy, 1), spread(memory, round => round.cpuPerCopy, 1)],
    ['… durable less memory, by round', 'µs', spread(paired, round => round.cpuPerCopy, 1), ''],
    ['Through the spool, one process', 'copies/s', spread(durable, round => round.copiesPerSecond, 0), spread(memory, round => round.copiesPerSecond, 0)],
    ['Append to durable, p50 / p99 / most', 'ms', [0.5, 0.99, 1].map(share => quantile(commits, share).toFixed(2)).join(' / '), ''],
    [`Backlog of ${COPIES} copies: in`, 'copies/s', backlog.inPerSecond.toFixed(0), ''],
    ['… size of data.mdb', 'MiB', backlog.diskMiB.toFixed(0), ''],
    ['… open / first copy claimed', 'ms', `${backlog.openMs.toFixed(0)} / ${backlog.firstClaimMs.toFixed(0)}`, ''],
    ['… anonymous memory / RSS after the start', 'MiB', `${backlog.anonymousMiB.toFixed(0)} / ${backlog.rssMiB.toFixed(0)}`, ''],
    ['… out', 'copies/s', backlog.outPerSecond.toFixed(0), ''],
    ['… anonymous memory, highest / after the drain', 'MiB', `${backlog.highestAnonymousMiB.toFixed(0)} / ${backlog.drainedAnonymousMiB.toFixed(0)}`, '']
  ]
  return [
    `Copies of ${BODY.length} bytes, ${OUTSTANDING} at a time; ${ROUNDS} paired rounds of ${PER_ROUND} copies: median (range).`,
    '',
    '| | | durable | memory |',
    '|---|---|---:|---:|',
    ...rows.map(row => `| ${row.join(' | ')} |`)
  ].join('\n')
}

/** Median and range. */
function spread<Round> (rounds: readonly Round[], value: (round: Round) => number, digits: number): string {
  const sorted = rounds.map(value).sort((a, b) => a - b)
  return `${quantile(sorted, 0.5).toFixed(digits)} (${quantile(sorted, 0).toFixed(digits)}–${quantile(sorted, 1).toFixed(digits)})`
}

function quantile (sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

function machine (): string {
  const [cpu] = cpus()
  return `${cpu?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB; Linux ${release()}; Node ${process.version}; ${new Date().toISOString().slice(0, 10)}`
}

if (values.step !== undefined) {
  if (values.path === undefined) throw new Error('a step is run by the benchmark alone')
  const result = await (values.step === 'write' ? writeBacklog : drainBacklog)(values.path)
  process.send?.(result)
  process.disconnect?.()
} else {
  const folder = await mkdtemp(join(values.path ?? tmpdir(), 'mirror-router-bench-'))
  try {
    const text = `${machine()}\n\n${await measure(folder)}\n`
    process.stdout.write(text)
    if (values.write) await writeFile(new URL('results-spool.md', import.meta.url), `# The spool: \`npm run bench:spool\`\n\n${text}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

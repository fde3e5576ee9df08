/** `mirror-router status` against the running program. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { test, type Test } from 'tap'
import type { Status } from '../../src/status/status.ts'
import { eventually, startAll, type StartedRouter } from '../helpers/router.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const HAS_SCRIPT = spawnSync('script', ['--version']).error === undefined

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  /** Exit code. */
  readonly ended: Promise<number | null>
}

function start (t: Test, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  t.teardown(() => { child.kill('SIGKILL') })
  return { child, output: () => output, ended: once(child, 'close').then(([code]) => code as number | null) }
}

function statusOf (t: Test, router: StartedRouter, ...args: string[]): Running {
  return start(t, process.execPath, [MAIN, 'status', '--config', `${router.folder}/router.yaml`, ...args])
}

async function post (router: StartedRouter): Promise<void> {
  await (await fetch(`${router.url80}/api/1/envelope/`, { method: 'POST', body: '{}\n' })).arrayBuffer()
}

test('status is 0 while all is well, 1 while the endpoint is down, and says what to do', async t => {
  const { router, endpoint } = await startAll(t)
  await post(router)
  await router.metricIs(1, 'mirror_delivered_total', { project: '1' })

  const well = statusOf(t, router)
  t.equal(await well.ended, 0, well.output())
  t.match(well.output(), /^mirror-router \d+\.\d+\.\d+: ready, running for .*\n/)
  t.match(well.output(), /^endpoint .*: up/m)

  await endpoint.stop()
  for (let i = 0; i < 10; i++) await post(router)
  await router.metricIs(10, 'mirror_pending')
  let json: Running | null = null
  await eventually(async () => {
    json = statusOf(t, router, '--json')
    return await json.ended === 1 ? null : 'the exit code is not 1 yet'
  })
  const status = JSON.parse((json as unknown as Running).output()) as Status
  const down = statusOf(t, router)

  t.equal(status.mirror?.endpoint.state, 'down')
  t.equal(await down.ended, 1)
  t.match(down.output(), /^! The endpoint .* is down since .*connection refused.*\n {2}Nothing is lost/m)
  t.notOk(down.output().includes('\x1b'), 'no colours in a pipe')
})

test('without a router, status is 1 and says what to do', async t => {
  const { router } = await startAll(t)
  await router.stop()

  const gone = statusOf(t, router)

  t.equal(await gone.ended, 1)
  t.match(gone.output(), /^No router listens at http:\/\/127\.0\.0\.1:\d+\. Start it, or name the configuration it runs with: --config FILE\.\n$/)
})

test('status --watch prints a block whenever something changes, waits for a router that is away, and ends by a signal', async t => {
  const { router, endpoint } = await startAll(t)
  const watching = statusOf(t, router, '--watch')
  const blocks = (): number => watching.output().split('\n').filter(line => /^\d{4}-\d\d-\d\dT/.test(line)).length
  await eventually(async () => blocks() === 1 ? null : `${blocks()} blocks`)
  await endpoint.stop()

  for (let i = 0; i < 10; i++) await post(router)
  await eventually(async () => / is down since /.test(watching.output()) ? null : 'the outage is not shown')
  await router.stop()
  await eventually(async () => /No router listens at/.test(watching.output()) ? null : 'that the router is gone is not shown')
  const before = blocks()
  watching.child.kill('SIGINT')

  t.equal(await watching.ended, 0)
  t.equal(blocks(), before)
  t.ok(before < 8, `${before} blocks: numbers alone are no change`)
})

test('status --watch on a terminal draws on a screen of its own, and gives it back', { skip: HAS_SCRIPT ? false : 'there is no script(1) here' }, async t => {
  const { router } = await startAll(t)
  const command = [process.execPath, MAIN, 'status', '--watch', '--config', `${router.folder}/router.yaml`].map(word => `'${word}'`).join(' ')
  const watching = start(t, 'script', ['-qefc', `stty columns 80 rows 12; exec ${command}`, '/dev/null'], { TERM: 'xterm', NO_COLOR: '' })

  await eventually(async () => watching.output().split('\x1b[H').length > 2 ? null : 'not drawn twice yet')
  const { pid } = watching.child
  // Linux: its one child (proc(5)).
  process.kill(Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')), 'SIGINT')
  await watching.ended

  t.ok(watching.output().startsWith('\x1b[?1049h\x1b[?25l\x1b[H'), 'it opens a screen')
  t.ok(watching.output().trimEnd().endsWith('\x1b[?25h\x1b[?1049l'), 'it gives it back')
  t.match(watching.output(), /make the window taller/)
  t.ok(watching.output().includes('\x1b[1mmirror-router '), 'headings are bold')
})

test('a reader that has left is no fault', async t => {
  const { router } = await startAll(t)

  const piped = start(t, 'bash', ['-c', `set -o pipefail; '${process.execPath}' '${MAIN}' status --json --config '${router.folder}/router.yaml' | true; echo "code \${PIPESTATUS[0]}"`])
  await piped.ended

  t.match(piped.output(), /^code (?:0|141)\n$/)
})

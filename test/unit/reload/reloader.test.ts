import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import type { Config } from '../../../src/config/config.ts'
import { createReloader, type Reloader } from '../../../src/reload/reloader.ts'
import { createSource, type Source } from '../../../src/reload/source.ts'

const TEXT = 'listeners: [{ port: 0, ui: web }]\nlog: { level: info }\n'
const LEVEL = (level: string): string => TEXT.replace('info', level)

interface Setup {
  readonly file: string
  readonly source: Source
  readonly reloader: Reloader
  /** Levels that were applied, in order. */
  readonly applied: Config[]
  readonly counted: string[]
  readonly logged: string[]
}

/** @param apply - What a process does with a new configuration. */
async function setup (t: Test, apply: () => Promise<void> = async () => {}): Promise<Setup> {
  const file = join(t.testdir(), 'router.yaml')
  await writeFile(file, TEXT)
  const source = createSource(file, {})
  const { loaded: { config } } = await source.load()
  if (config === undefined) throw new Error('the file has faults')
  const applied: Config[] = []
  const counted: string[] = []
  const logged: string[] = []
  const write = (_fields: unknown, message = ''): void => { logged.push(message) }
  const reloader = createReloader({
    source,
    loaded: config,
    running: { ...config, listeners: [{ port: 18_080, host: '0.0.0.0', ui: 'web' }] },
    async apply (next) {
      await apply()
      applied.push(next)
    },
    count: result => { counted.push(result) },
    log: { info: write, warn: write, error: write },
    now: () => 1_000
  })
  return { file, source, reloader, applied, counted, logged }
}

test('what was loaded is applied with the sockets there are, and is in force from then on', async t => {
  const { file, reloader, applied, counted, logged } = await setup(t)
  await writeFile(file, LEVEL('debug').replace('ui: web', 'ui: relay'))

  const { result, changes } = await reloader.reload()

  t.equal(result, 'success')
  t.strictSame(changes, ['listeners[0].ui', 'upstreams.web (gone)', 'log.level'])
  t.strictSame(applied.map(({ listeners, log }) => ({ listeners, log: log.level })), [{ listeners: [{ port: 18_080, host: '0.0.0.0', ui: 'relay' }], log: 'debug' }])
  t.equal(reloader.config().log.level, 'debug')
  t.equal(reloader.last()?.result, 'success')
  t.strictSame(counted, ['success'])
  t.strictSame(logged, ['The configuration was reloaded.'])
})

test('a second reload is compared with what the first one put in force', async t => {
  const { file, reloader } = await setup(t)
  await writeFile(file, LEVEL('debug'))
  await reloader.reload()
  await writeFile(file, LEVEL('info'))

  t.strictSame((await reloader.reload()).changes, ['log.level'])
  t.strictSame((await reloader.reload()).changes, [])
})

test('when it cannot be applied, the old configuration is in force', async t => {
  const { file, reloader, counted } = await setup(t, async () => { throw new Error('the router is stopping') })
  await writeFile(file, LEVEL('debug'))

  const { result, faults } = await reloader.reload()

  t.equal(result, 'failure')
  t.strictSame(faults, [`${file}: the router is stopping`])
  t.equal(reloader.config().log.level, 'info')
  t.strictSame(counted, ['failure'])
})

test('who asks while a reload is under way gets the next one, all of them the same', async t => {
  const waiting: (() => void)[] = []
  const { file, reloader, applied } = await setup(t, () => new Promise(resolve => { waiting.push(resolve) }))
  await writeFile(file, LEVEL('debug'))
  const first = reloader.reload()
  await until(() => waiting.length === 1)
  await writeFile(file, LEVEL('warn'))
  const others = [reloader.reload(), reloader.reload(), reloader.reload()]

  waiting[0]?.()
  await first
  await until(() => waiting.length === 2)
  waiting[1]?.()
  const answers = await Promise.all(others)

  t.strictSame(applied.map(({ log }) => log.level), ['debug', 'warn'])
  t.ok(answers.every(answer => answer === answers[0]))
})

test('a watched file: a fault is told once, a comment never, and what is right again always', async t => {
  const { file, source, reloader, counted } = await setup(t)
  const look = async (): Promise<string[]> => {
    await reloader.reloadIfChanged(await source.fingerprint())
    return counted.splice(0)
  }

  const atFirst = await look()
  await appendFile(file, '# a comment\n')
  const comment = await look()
  await writeFile(file, 'nonsense: 1\n')
  const fault = await look()
  const sameFault = await look()
  await writeFile(file, TEXT)
  const rightAgain = await look()
  await reloader.reload()
  counted.splice(0)
  const afterReload = await look()

  t.strictSame({ atFirst, comment, fault, sameFault, rightAgain, afterReload }, {
    atFirst: [], comment: [], fault: ['failure'], sameFault: [], rightAgain: ['success'], afterReload: []
  })
})

test('a watched file that changed again since it was seen is left for the next look', async t => {
  const { file, source, reloader, counted } = await setup(t)
  await writeFile(file, LEVEL('debug'))
  const seen = await source.fingerprint()
  await writeFile(file, 'half a fi')

  await reloader.reloadIfChanged(seen)

  t.strictSame(counted, [])
})

async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => { setImmediate(resolve) })
}

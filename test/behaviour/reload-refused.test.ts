/** A file that cannot be used changes nothing, and everybody who asks is told why. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import t, { test } from 'tap'
import { reload } from '../../src/cli/reload.ts'
import { runCommand } from '../helpers/command.ts'
import { edited, fileOf, postReload, type Sections } from '../helpers/reload.ts'
import { eventually, startAll, type StartedRouter } from '../helpers/router.ts'

t.setTimeout(60_000)

interface BadFile {
  readonly name: string
  readonly write: (router: StartedRouter) => Promise<void>
  readonly says: RegExp
  /** `reload` finds the fault itself, before it can know whom to ask. */
  readonly cliSays?: RegExp
}

const BAD_FILES: readonly BadFile[] = [
  { name: 'that is no YAML', write: text('mirror: [\n'), says: /router\.yaml:\d+:\d+: / },
  { name: 'with an unknown key', write: edit(config => { config['spol'] = {} }), says: /router\.yaml:\d+:\d+: spol: unknown option; did you mean spool\?/ },
  { name: 'with a placeholder', write: edit(config => { config['mirror'] = { endpoint: 'https://<endpoint>', default: 'off' } }), says: /router\.yaml:\d+:\d+: mirror\.endpoint: the placeholder <endpoint>/ },
  { name: 'with another port', write: edit(config => { (config['listeners'] as unknown as { port: number }[])[0] = { port: 1 } }), says: /router\.yaml: listeners\[0\]\.port: cannot change while the router runs; restart it/ },
  { name: 'with another number of workers', write: edit(config => { Object.assign(config, { workers: 3 }) }), says: /router\.yaml: workers: cannot change/ },
  { name: 'with another spool', write: edit(config => { config['spool'] = { path: '/nowhere' } }), says: /router\.yaml: spool\.path: cannot change/ },
  { name: 'without a mirror', write: edit(config => { delete config['mirror'] }), says: /router\.yaml: mirror: copying cannot be switched off while the router runs; restart it/ },
  // By itself it would mean all the defaults, whose admin listener is another one.
  { name: 'that is empty', write: text(''), says: /router\.yaml: the file is empty/, cliSays: /No router listens|not a router|cannot be reached/ },
  { name: 'that is a folder', write: async router => { await remove(router); await mkdir(fileOf(router)) }, says: /router\.yaml: the file cannot be read \(EISDIR\)/ },
  { name: 'that is not there', write: remove, says: /router\.yaml: there is no such file/ },
  { name: 'that is not UTF-8', write: async router => { await writeFile(fileOf(router), Buffer.from('log: {}\n# \xFF\n', 'latin1')) }, says: /router\.yaml:2:1: not UTF-8 text/ }
]

for (const { name, write, says, cliSays } of BAD_FILES) {
  test(`a file ${name} leaves the old configuration serving, and says so in the log, the metrics, the answer and the exit code`, async t => {
    const { relay, endpoint, router } = await startAll(t)

    await write(router)
    const { status, answer } = await postReload(router)
    const ran = await runCommand(reload, ['--config', fileOf(router)])

    t.equal(status, 422)
    t.equal(answer.result, 'failure')
    if (answer.result === 'failure') t.ok(answer.faults.some(fault => says.test(fault)), answer.faults.join('\n'))
    t.equal(ran.code, 1)
    t.match(ran.err, cliSays ?? says)
    t.ok(await router.metric('config_reloads_total', { result: 'failure' }) >= 1)
    t.equal(await router.metric('config_reloads_total', { result: 'success' }), 0)
    await eventually(async () => /"level":"error".*was not reloaded; the old one is in force/.test(router.output()) ? null : 'the log says nothing')
    const response = await fetch(`${router.url80}/api/1/envelope/?sentry_key=a`, { method: 'POST', body: '{}' })
    t.equal(response.status, 200)
    await Promise.all([relay.received(1), endpoint.received(1)])
  })
}

test('a file that is right again is taken without a word from anybody, and the failure is over', async t => {
  const { router } = await startAll(t)
  const right = await edited(router, () => {})
  await writeFile(fileOf(router), 'nonsense: 1\n')
  await router.metricIs(1, 'config_reloads_total', { result: 'failure' })
  const failed = await router.metric('config_last_reload_successful')

  await writeFile(fileOf(router), right)

  await router.metricIs(1, 'config_reloads_total', { result: 'success' })
  t.equal(failed, 0)
  t.equal(await router.metric('config_last_reload_successful'), 1)
  t.equal(await router.metric('config_reloads_total', { result: 'failure' }), 1, 'the fault was told once')
})

test('reload says what changed, and exits with 0', async t => {
  const { router } = await startAll(t)
  await writeFile(fileOf(router), await edited(router, config => { config['mirror'] = { ...config['mirror'], projects: { 1: '/rum/secret', 3: 'off' } } }))

  const ran = await runCommand(reload, ['--config', fileOf(router)])

  t.strictSame(ran, { code: 0, err: '', out: 'Reloaded. Changed: mirror.projects.1, mirror.projects.3 (new), mirror.projects.2 (gone), mirror.projects.7 (gone).\n' })
})

function text (content: string): BadFile['write'] {
  return async router => { await writeFile(fileOf(router), content) }
}

function edit (change: (config: Sections) => void): BadFile['write'] {
  return async router => { await writeFile(fileOf(router), await edited(router, change)) }
}

async function remove (router: StartedRouter): Promise<void> {
  await rm(fileOf(router))
}

/** Every way in which a configuration file is changed is noticed, without anybody being told. */
import { appendFile, open, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { test } from 'tap'
import { freePorts, startRouterProcess } from '../../src/demo/router-process.ts'
import { answers, startBackend, type Backend } from '../helpers/backends.ts'
import { edited, fileOf, type Sections } from '../helpers/reload.ts'
import { eventually, routerConfig, startAll, type StartedRouter } from '../helpers/router.ts'

t.setTimeout(60_000)

interface Way {
  readonly name: string
  readonly change: (file: string, text: string) => Promise<void>
}

const WAYS: readonly Way[] = [
  { name: 'written in place', change: writeFile },
  {
    name: 'replaced by renaming another over it',
    async change (file, text) {
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    }
  },
  {
    name: 'moved away and written anew, as vi does it',
    async change (file, text) {
      await rename(file, `${file}~`)
      await writeFile(file, text)
    }
  },
  {
    name: 'removed, and there again a while later',
    async change (file, text) {
      await rm(file)
      await sleep(1500)
      await writeFile(file, text)
    }
  },
  {
    name: 'written in two parts with a pause',
    async change (file, text) {
      await truncate(file)
      const handle = await open(file, 'a')
      await handle.write(text.slice(0, 50))
      await sleep(100)
      await handle.write(text.slice(50))
      await handle.close()
    }
  }
]

for (const { name, change } of WAYS) {
  test(`a file that is ${name} is in force soon`, async t => {
    const { web, router, other } = await setup(t)

    await change(fileOf(router), await edited(router, webAt(other)))

    await router.metricIs(1, 'config_reloads_total', { result: 'success' })
    t.equal(await (await fetch(router.url80)).text(), 'other')
    t.equal(web.requests.length, 0)
  })
}

test('a symbolic link that is pointed elsewhere is followed', async t => {
  const { router, other } = await setup(t)
  const text = await edited(router, webAt(other))
  await writeFile(join(router.folder, 'second.yaml'), text)

  await symlink('second.yaml', join(router.folder, 'link'))
  await rename(join(router.folder, 'link'), fileOf(router))

  await router.metricIs(1, 'config_reloads_total', { result: 'success' })
  t.equal(await (await fetch(router.url80)).text(), 'other')
})

test('a ConfigMap, whose folder Kubernetes swaps behind a symbolic link, is in force soon', async t => {
  const [web, other, relay, webRum, endpoint] = await Promise.all([startBackend(t), startOther(t), startBackend(t), startBackend(t), startBackend(t)])
  const [port = 0, adminPort = 0] = await freePorts(2)
  const folder = t.testdir({ '..2026_1': {}, '..2026_2': {} })
  const backends = { relay: relay.port, web: web.port, webRum: webRum.port, endpoint: endpoint.port }
  const config = {
    ...routerConfig(backends),
    listeners: [{ port, host: '127.0.0.1', ui: 'web' }, { port: 0, host: '127.0.0.1', ui: 'web-rum' }],
    admin: { host: '127.0.0.1', port: adminPort },
    workers: 1,
    log: { access: 'off' },
    spool: { path: join(folder, 'spool') }
  }
  const file = join(folder, 'router.yaml')
  // startRouterProcess writes through the links, as nobody would do later.
  await writeFile(join(folder, '..2026_1', 'router.yaml'), '')
  await symlink('..2026_1', join(folder, '..data'))
  await symlink('..data/router.yaml', file)
  const router = await startRouterProcess(config, folder)
  t.teardown(() => router.stop(5000))

  const text = (await readFile(file, 'utf8')).replace(`127.0.0.1:${web.port}`, `127.0.0.1:${other.port}`)
  await writeFile(join(folder, '..2026_2', 'router.yaml'), text)
  await symlink('..2026_2', join(folder, '..data_tmp'))
  await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  await rm(join(folder, '..2026_1'), { recursive: true })

  await eventually(async () => {
    const answer = await (await fetch(`http://127.0.0.1:${port}`)).text()
    return answer === 'other' ? null : `web answers ${answer}`
  })
  t.notMatch(router.output(), /was not reloaded/)
})

test('a change that means nothing is passed over in silence', async t => {
  const { router, other } = await setup(t)
  await appendFile(fileOf(router), '# only a comment\n')
  // Long enough for the watch to have looked at it.
  await sleep(2500)
  const reloads = await router.metric('config_reloads_total')

  await writeFile(fileOf(router), await edited(router, webAt(other)))

  await router.metricIs(1, 'config_reloads_total', { result: 'success' })
  t.equal(reloads, 0)
})

async function setup (t: Parameters<typeof startAll>[0]): Promise<{ web: Backend, other: Backend, router: StartedRouter }> {
  const { web, router } = await startAll(t)
  return { web, router, other: await startOther(t) }
}

function startOther (t: Parameters<typeof startBackend>[0]): Promise<Backend> {
  return startBackend(t, answers.status('200 OK', 'other'))
}

function webAt ({ port }: Backend): (config: Sections) => void {
  return config => { config['upstreams'] = { ...config['upstreams'], web: { servers: [`127.0.0.1:${port}`] } } }
}

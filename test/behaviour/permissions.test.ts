/** What the router writes is for its own user, whatever the umask it was started with. */
import { once } from 'node:events'
import { lstatSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { test } from 'tap'
import { request } from 'undici'
import { answers } from '../helpers/backends.ts'
import { eventually, startAll } from '../helpers/router.ts'

t.setTimeout(60_000)

// Children inherit it.
const umask = process.umask(0)
t.teardown(() => { process.umask(umask) })

/** Every file and folder below, and the folder itself, with its mode. */
function modesOf (path: string): string[] {
  const stats = lstatSync(path)
  const mode = `${stats.isDirectory() ? 'folder' : 'file'} ${(stats.mode & 0o7777).toString(8)} ${path}`
  return stats.isDirectory() ? [mode, ...readdirSync(path).flatMap(name => modesOf(join(path, name)))] : [mode]
}

for (const workers of [1, 2]) {
  test(`with umask 000 and ${workers === 1 ? 'one process' : 'two workers'}, files of the spool are 0600 and folders 0700`, async t => {
    const { endpoint, relay, router } = await startAll(t, { workers })
    endpoint.answerWith(answers.status('400 Bad Request', 'no'))

    for (const size of [100, 400_000, 3_000_000]) {
      const { statusCode, body } = await request(`${router.url80}/api/1/envelope/`, { method: 'POST', body: Buffer.alloc(size, 'x') })
      await body.dump()
      t.equal(statusCode, 200)
    }
    // A body that is being received, in a file already.
    const client = connect(router.port80, '127.0.0.1')
    t.teardown(() => { client.destroy() })
    await once(client, 'connect')
    client.write(`POST /api/1/envelope/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(4_000_000)}`)
    const spool = join(router.folder, 'spool')
    await eventually(async () => modesOf(join(spool, 'incoming')).some(mode => mode.startsWith('file')) ? null : 'no body is being received')
    await router.metricIs(3, 'mirror_dead_total')

    const modes = modesOf(spool)
    t.ok(modes.filter(mode => mode.startsWith('file')).length >= 4, modes.join('\n'))
    t.strictSame(modes.filter(mode => !/^(?:file 600|folder 700) /.test(mode)), [])
    t.equal((await relay.received(3)).length, 3)
  })
}

import { test } from 'tap'
import { registerPageRoutes } from '../../../src/admin/page-route.ts'
import { createAdminServer } from '../../../src/admin/server.ts'
import { HISTORY, REPORT, STATUS } from '../../fixtures/status.ts'

test('what the page is made of is loaded when somebody wants it, once, and served under its hash alone', async t => {
  let loads = 0
  const admin = createAdminServer({ host: '127.0.0.1', port: 0, readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })
  registerPageRoutes(admin.app, {
    loadAssets: async () => {
      loads++
      return { base: '/assets/0123', files: new Map([['page/a.ts', { type: 'text/javascript', body: Buffer.from('a') }]]) }
    },
    source: { status: async () => STATUS, history: async () => HISTORY },
    report: async () => REPORT
  })
  t.teardown(() => admin.close())
  await admin.listen()
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${admin.port()}${path}`)
  t.equal(loads, 0)

  t.match(await (await get('/')).text(), '/assets/0123/page.css')
  const asset = await get('/assets/0123/page/a.ts')
  t.equal(asset.headers.get('content-type'), 'text/javascript')
  t.match(asset.headers.get('cache-control'), 'immutable')
  t.equal(await asset.text(), 'a')
  for (const path of ['/assets/0124/page/a.ts', '/assets/0123/page/b.ts', '/assets/0123page/a.ts', '/assets/', '/assets/0123/../../package.json']) {
    const missing = await get(path)
    t.equal(missing.status, 404, path)
    t.equal((await missing.json() as { error: string }).error, 'not_found', path)
  }
  t.equal(loads, 1)
})

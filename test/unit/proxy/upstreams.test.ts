import { test } from 'tap'
import type { UpstreamConfig } from '../../../src/config/config.ts'
import { Deadlines } from '../../../src/http1/deadlines.ts'
import { createUpstreams, Upstream, type UpstreamServer } from '../../../src/proxy/upstreams.ts'

function upstreamOf (servers: number, name = 'relay'): Upstream {
  return new Upstream(configOf(servers, name), new Deadlines())
}

function configOf (servers: number, name: string): UpstreamConfig {
  return {
    name,
    servers: Array.from({ length: servers }, (_, i) => ({ host: '127.0.0.1', port: i + 1 })),
    connectTimeoutMs: 1000,
    sendTimeoutMs: 1000,
    readTimeoutMs: 1000,
    nextUpstream: [],
    nextUpstreamTries: 0
  }
}

test('servers take turns', async t => {
  const upstream = upstreamOf(3)

  const picks = Array.from({ length: 6 }, () => upstream.pick([]))

  t.equal(new Set(picks).size, 3)
  t.strictSame(picks.slice(0, 3), picks.slice(3))
})

test('a server that was tried is not tried again; when all were, there is none', async t => {
  const upstream = upstreamOf(2)
  const tried: UpstreamServer[] = []

  for (let i = 0; i < 2; i++) tried.push(upstream.pick(tried) as UpstreamServer)

  t.equal(new Set(tried).size, 2)
  t.equal(upstream.pick(tried), null)
})

test('a server that rests is passed over, and taken when there is no other', async t => {
  const upstream = upstreamOf(2)
  const first = upstream.pick([]) as UpstreamServer

  upstream.rest(first)
  const others = Array.from({ length: 4 }, () => upstream.pick([]))
  t.notOk(others.includes(first))
  const second = others[0] as UpstreamServer
  upstream.rest(second)

  t.equal(upstream.pick([]), first, 'of two that rest, the one whose rest ends first')
  t.equal(upstream.pick([first]), second)
  t.ok(second.restsUntil - performance.now() <= 10_000 && second.restsUntil - performance.now() > 9_000, 'for 10 s')
})

test('a single server never rests', async t => {
  const upstream = upstreamOf(1)
  const server = upstream.pick([]) as UpstreamServer

  upstream.rest(server)

  t.equal(server.restsUntil, 0)
})

test('there is one upstream for each of the configuration, by its name', async t => {
  const upstreams = createUpstreams({ relay: configOf(1, 'relay'), web: configOf(2, 'web') }, new Deadlines())

  t.strictSame([...upstreams.keys()], ['relay', 'web'])
  t.equal(upstreams.get('web')?.serverCount, 2)
})

test('after a reload an upstream is the same one if nothing of it changed, and another if anything did', async t => {
  const deadlines = new Deadlines()
  const before = createUpstreams({ relay: configOf(1, 'relay'), web: configOf(1, 'web'), gone: configOf(1, 'gone') }, deadlines)

  const after = createUpstreams({ relay: configOf(1, 'relay'), web: { ...configOf(1, 'web'), readTimeoutMs: 1 }, added: configOf(1, 'added') }, deadlines, before)

  t.strictSame([...after.keys()], ['relay', 'web', 'added'])
  t.equal(after.get('relay'), before.get('relay'))
  t.not(after.get('web'), before.get('web'))
})

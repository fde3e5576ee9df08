import { once } from 'node:events'
import { createServer, type IncomingMessage, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import { createStatusEvents } from '../../../src/admin/status-events.ts'
import type { Status } from '../../../src/status/status.ts'

/** @param sent - What every event holds. */
async function setup (t: Test, sent: string, maxListeners = 50) {
  let made = 0
  const events = createStatusEvents(async () => {
    made++
    return { version: sent } as Status
  }, { intervalMs: 5, maxListeners })
  const server = createServer((_request, response) => {
    response.writeHead(200)
    events.add(response)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  const listen = (): Promise<IncomingMessage> => new Promise(resolve => { get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false }, resolve) })
  return { events, listen, made: () => made, connections: () => new Promise<number>(resolve => { server.getConnections((_error, count) => { resolve(count) }) }) }
}

async function heard (listener: IncomingMessage, count: number): Promise<string> {
  let text = ''
  listener.setEncoding('utf8')
  while (text.split('event: status').length <= count) text += String((await once(listener, 'data'))[0])
  return text
}

test('all listeners hear the same, made once, and nothing is made when nobody listens', async t => {
  const { listen, made } = await setup(t, 'x')
  t.equal(made(), 0)

  const [one, two] = await Promise.all([listen(), listen()])
  const texts = await Promise.all([heard(one, 5), heard(two, 5)])
  one.destroy()
  two.destroy()
  await untilFree(made)

  for (const text of texts) t.match(text, /^retry: 1000\n\n(?:: \n\n)*event: status\ndata: {"version":"x"}\n\n/)
  t.ok(made() < 10 * 2, `${made()} were made for two listeners`)
})

/** Resolves once no more is made. */
async function untilFree (made: () => number): Promise<void> {
  for (let before = -1; before !== made();) {
    before = made()
    await new Promise(resolve => { setTimeout(resolve, 50) })
  }
}

test('one that does not read is cut, and the others hear on', async t => {
  const { listen, connections } = await setup(t, 'x'.repeat(1_000_000))
  const [deaf, well] = await Promise.all([listen(), listen()])
  deaf.pause().on('error', () => {})
  well.on('data', () => {})

  while (await connections() > 1) await once(well, 'data')

  t.equal(well.destroyed, false)
  await once(well, 'data')
})

test('there are no more listeners than may be, and all are ended at the close', async t => {
  const { listen, events } = await setup(t, 'x', 2)
  const listeners = [await listen()]
  t.equal(events.isFull(), false)
  listeners.push(await listen())
  t.equal(events.isFull(), true)

  const ended = Promise.all(listeners.map(listener => once(listener.resume(), 'end')))
  events.close()

  await ended
  const late = await listen()
  await once(late.resume(), 'end')
})

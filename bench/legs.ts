/**
 * What the router uses on its hot path beside the library it would use otherwise, alone:
 * CPU per exchange (or line) of a process that does nothing else, in turn, as the median of the rounds.
 *
 *     node bench/legs.ts [upstream server log] [--rounds 9] [--exchanges 10000] [--connections 16]
 *
 * `upstream` is the client's part: `src/http1/` beside undici's Pool.dispatch, against
 * the same stand-in. `server` is the server's: `src/http1/` beside node:http, under the
 * same load. Both send envelopes of 2 KB and answer with an event id. `log` is a line of
 * the access log: `src/log/` beside pino. Product rules (routes, copies, limits) are in none.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startStandIns } from './counts/count.ts'
import { send } from './counts/send.ts'
import type { Order, Word } from './legs/way.ts'
import { median } from './traffic/cpu.ts'
import { ENVELOPE } from './traffic/rows.ts'

const LEGS = { upstream: ['http1', 'undici'], server: ['http1', 'node:http'], log: ['access log', 'pino'] } as const
type Leg = keyof typeof LEGS

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' }, exchanges: { type: 'string', default: '10000' }, connections: { type: 'string', default: '16' } }
})
const rounds = Number(values.rounds)
const exchanges = Number(values.exchanges)
const connections = Number(values.connections)
const legs = Object.keys(LEGS).filter((leg): leg is Leg => positionals.length === 0 || positionals.includes(leg))

const standIns = await startStandIns()
for (const leg of legs) await compare(leg)
await standIns.stop()

async function compare (leg: Leg): Promise<void> {
  const [ours, other] = await Promise.all(LEGS[leg].map(name => start(leg, name)))
  if (ours === undefined || other === undefined) return
  for (const way of [ours, other]) await way.run()
  const pairs: { ours: number, other: number }[] = []
  for (let round = 0; round < rounds; round++) pairs.push({ ours: await ours.run(), other: await other.run() })
  for (const way of [ours, other]) await way.stop()

  const ratios = pairs.map(({ ours, other }) => ours / other)
  console.log(`${leg.padEnd(9)} ${LEGS[leg][0]} ${median(pairs.map(({ ours }) => ours)).toFixed(1)} µs, ${LEGS[leg][1]} ${median(pairs.map(({ other }) => other)).toFixed(1)} µs, ratio ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`)
}

interface Way {
  /** @returns µs of user and system time per exchange. */
  run (): Promise<number>
  stop (): Promise<void>
}

async function start (leg: Leg, name: string): Promise<Way> {
  const child = fork(fileURLToPath(new URL('legs/way.ts', import.meta.url)), [leg, name, String(standIns.ports.relay), String(connections)], {
    // Where the router is put when it is measured.
    execPath: '/usr/bin/taskset', execArgv: ['-c', '0', process.execPath], stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  const { port } = await word(child)
  const ask = async (order: Order): Promise<number> => {
    child.send(order)
    return (await word(child)).cpuUs
  }
  return {
    async run () {
      const before = await ask({ exchanges: leg === 'server' ? 0 : exchanges })
      if (leg !== 'server') return before / exchanges
      await send({ work: { ...ENVELOPE, connections }, count: exchanges, port })
      return await ask({ exchanges: 0 }) / exchanges
    },
    async stop () {
      child.kill()
      await once(child, 'exit')
    }
  }
}

async function word (child: ChildProcess): Promise<Word> {
  return await new Promise((resolve, reject) => {
    const onExit = (): void => { reject(new Error('a way ended early')) }
    child.once('exit', onExit)
    child.once('message', (message: Word) => {
      child.off('exit', onExit)
      resolve(message)
    })
  })
}

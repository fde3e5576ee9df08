/** One way of doing one leg's work, in a process of its own: see bench/legs.ts. */
import { once } from 'node:events'
import { tuneGarbageCollection } from '../../src/process/garbage-collection.ts'
import { throughAccessLog, throughPino } from './log.ts'
import { serveHttp1, serveNodeHttp } from './server.ts'
import { throughHttp1, throughUndici } from './upstream.ts'

export interface Order {
  /** To be made now; 0: by somebody else, between two orders. */
  readonly exchanges: number
}

export interface Word {
  /** Of a server; else 0. */
  readonly port: number
  /** User and system time of this process since its last word, in µs. */
  readonly cpuUs: number
}

/** Makes one exchange and calls back. */
export type Exchange = (done: () => void) => void

// As the program does.
tuneGarbageCollection()

const [, , leg, name, relay, connections] = process.argv
const way = `${leg} ${name}`
const port = way === 'server http1' ? await serveHttp1() : way === 'server node:http' ? await serveNodeHttp() : 0
const exchange = clientOf(way)
let cpu = process.cpuUsage()

process.on('message', ({ exchanges }: Order) => { void obey(exchanges) })
process.send?.({ port, cpuUs: 0 } satisfies Word)
await once(process, 'disconnect')

function clientOf (way: string): Exchange | null {
  switch (way) {
    case 'upstream http1': return throughHttp1(Number(relay))
    case 'upstream undici': return throughUndici(Number(relay), Number(connections))
    case 'log access log': return throughAccessLog()
    case 'log pino': return throughPino()
    default: return null
  }
}

async function obey (exchanges: number): Promise<void> {
  if (exchanges > 0 && exchange !== null) {
    cpu = process.cpuUsage()
    await make(exchanges, exchange)
  }
  const { user, system } = process.cpuUsage(cpu)
  cpu = process.cpuUsage()
  process.send?.({ port, cpuUs: user + system } satisfies Word)
}

/** So many at a time as there are connections, each in a turn of its own, as requests of clients come. */
function make (exchanges: number, one: Exchange): Promise<void> {
  return new Promise(resolve => {
    let begun = 0
    let ended = 0
    const begin = (): void => { one(done) }
    function done (): void {
      if (++ended === exchanges) resolve()
      if (begun++ < exchanges) setImmediate(begin)
    }
    for (; begun < Number(connections); begun++) setImmediate(begin)
  })
}

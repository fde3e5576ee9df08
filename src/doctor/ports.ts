/** Can each port be had, or has the running router got it? */
import type { Config } from '../config/config.ts'
import { ListenError, listenError, reservePorts } from '../process/reserve-ports.ts'
import { fault, ok, type Finding } from './finding.ts'
import type { Running } from './running.ts'

export interface Port {
  readonly host: string
  readonly port: number
  /** Of the configuration, that names it. */
  readonly section: string
}

export function portsOf ({ listeners, admin }: Pick<Config, 'listeners' | 'admin'>): Port[] {
  return [...listeners.map(({ host, port }, i) => ({ host, port, section: `listeners[${i}]` })), { host: admin.host, port: admin.port, section: 'admin' }].filter(({ port }) => port !== 0)
}

/** Takes each port for a moment, one after the other: they may be the same, on two addresses. */
export async function examinePorts (config: Config, running: Running): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const port of portsOf(config)) findings.push(judgePort(port, await bindFailure(config, port), isHeldByRouter(running, config)))
  return findings
}

async function bindFailure (config: Config, { host, port }: Port): Promise<unknown> {
  try {
    await reservePorts({ ...config, listeners: [{ host, port, ui: '' }], admin: { ...config.admin, host: '127.0.0.1' } })
    return null
  } catch (error) {
    if (error instanceof ListenError) return error.cause
    throw error
  }
}

/** A router that runs with this file has its ports, or it would not run. */
function isHeldByRouter (running: Running, { file }: Pick<Config, 'file'>): boolean {
  return running.state === 'runs' && running.status.config.file === file
}

/** @param failure - What listening there says; `null` when it works. */
export function judgePort (wanted: Port, failure: unknown, heldByRouter: boolean): Finding {
  const { port, section } = wanted
  const check = `port ${port}`
  const code = failure instanceof Error && 'code' in failure ? failure.code : null
  if (failure === null) {
    if (heldByRouter) return fault(check, 'free, though the router that runs should listen there', `Was ${section} changed since it started? Restart it: ports cannot change in a running router.`)
    return ok(check, 'free')
  }
  if (heldByRouter && (code === 'EADDRINUSE' || code === 'EACCES')) return ok(check, 'the running router listens there')
  // "cannot listen on :: port 80: something else listens there; stop it, or …"
  const [, words = '', advice = ''] = /^[^:]*?: (.*); (.*)$/.exec(withoutHost(wanted, failure)) ?? []
  if (words === '') return fault(check, failure instanceof Error ? failure.message : 'it cannot be had', `Change ${section}.port.`)
  const who = code === 'EADDRINUSE' ? ' (nginx, still?)' : ''
  return fault(check, `${words}${who}`, `${advice.charAt(0).toUpperCase()}${advice.slice(1)}.`)
}

/** An address has colons of its own. */
function withoutHost ({ port, section }: Port, failure: unknown): string {
  return listenError({ host: 'it', port }, section, failure).message
}

/**
 * A port on which a connection is never established: a stopped process with a
 * full accept queue, so that the kernel drops every further SYN.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const LISTENER = `
const answer = socket => socket.on('error', () => {}).on('data', () => socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nslow'))
require('net').createServer(answer).listen({ port: +process.argv[1], host: process.argv[2], backlog: 1 }, () => process.stdout.write('ok'))
`
/** More than a queue of one takes. */
const FILLERS = 6

export interface Blackhole {
  /** From now on connections are taken, and what comes is answered with 200; a SYN that was dropped comes again after 1 s. */
  open (): void
  close (): Promise<void>
}

export async function openBlackhole (port: number, host = '127.0.0.1'): Promise<Blackhole> {
  const child = spawn(process.execPath, ['-e', LISTENER, String(port), host], { stdio: ['ignore', 'pipe', 'inherit'], env: {} })
  const killOnExit = () => { child.kill('SIGKILL') }
  process.once('exit', killOnExit)
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  await sleep(30)

  const fillers = Array.from({ length: FILLERS }, () => connect({ port, host }).on('error', () => {
    // A filler that is refused when the hole closes has done its work.
  }))
  await sleep(50)

  return {
    open () {
      for (const filler of fillers) filler.destroy()
      child.kill('SIGCONT')
    },
    async close () {
      for (const filler of fillers) filler.destroy()
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      process.off('exit', killOnExit)
      await sleep(20)
    }
  }
}

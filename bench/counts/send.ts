/**
 * So many requests, over so many connections, each sent when the one before it is
 * answered: the amount is fixed, not the time, so that what is counted does not depend
 * on how fast the machine is.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { BROWSER, type Work } from '../traffic/load.ts'

/** @throws When an answer is not 200, or a connection ends before its answer. */
export async function send ({ work, count, port }: { readonly work: Work, readonly count: number, readonly port: number }): Promise<void> {
  const request = requestOf(work)
  let left = count

  async function connection (): Promise<void> {
    if (work.close === true) {
      while (left-- > 0) await alone(port, request)
      return
    }
    const socket = await open(port)
    while (left-- > 0) {
      socket.write(request)
      await answer(socket)
    }
    socket.destroy()
  }

  await Promise.all(Array.from({ length: work.connections }, connection))
}

/** One request on a connection of its own, which the router closes. */
async function alone (port: number, request: Buffer): Promise<void> {
  const socket = await open(port)
  const closed = once(socket, 'close')
  socket.write(request)
  await answer(socket)
  socket.end()
  await closed
}

async function open (port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** Resolves after the last byte of an answer with a Content-Length. */
function answer (socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = ''
    function onData (data: Buffer): void {
      received += data.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received)?.[1])
      if (received.length < end + 4 + length) return
      settle()
      if (received.startsWith('HTTP/1.1 200 ')) resolve()
      else reject(new Error(`the router answered ${received.slice(0, received.indexOf('\r\n'))}`))
    }
    function onClose (): void {
      settle()
      reject(new Error('the router closed a connection before its answer'))
    }
    function settle (): void {
      socket.off('data', onData)
      socket.off('error', onClose)
      socket.off('close', onClose)
    }
    socket.on('data', onData)
    socket.on('error', onClose)
    socket.on('close', onClose)
  })
}

function requestOf ({ method, target, bodyBytes, close = false }: Work): Buffer {
  const lines = Object.entries(BROWSER).filter(([name]) => method === 'POST' || name !== 'Content-Type').map(([name, value]) => `${name}: ${value}`)
  if (method === 'POST') lines.push(`Content-Length: ${bodyBytes}`)
  if (close) lines.push('Connection: close')
  // The same bytes every time; none of them is text.
  const body = Buffer.from(Array.from({ length: bodyBytes }, (_, at) => (at * 167 + (at >> 8)) & 0xff))
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: sentry.example.test\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}

/** wrk, from Debian's packages, as the load. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Work {
  readonly method: 'GET' | 'POST'
  readonly target: string
  readonly bodyBytes: number
  readonly connections: number
  /** A new connection for each request. */
  readonly close?: boolean
  /** Pause of each connection between two requests, in milliseconds: less than full load. */
  readonly pauseMs?: number
}

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Failed connections, and answers other than 2xx. */
  readonly errors: number
}

export const BROWSER = {
  'Content-Type': 'text/plain;charset=UTF-8',
  Origin: 'https://app.example.test',
  Referer: 'https://app.example.test/',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  Accept: '*/*',
  'Accept-Language': 'en-US,en;q=0.9',
  'Accept-Encoding': 'gzip, deflate, br, zstd'
}

/** @param cores - As taskset(1) takes them. @param folder - For the script. */
export async function load (work: Work, port: number, seconds: number, cores: string, folder: string): Promise<LoadResult> {
  const script = join(folder, 'load.lua')
  await writeFile(script, scriptOf(work))
  const child = spawn('taskset', ['-c', cores, 'wrk', '-t1', `-c${work.connections}`, `-d${seconds}s`, '--timeout', '10s', '--latency', '-s', script, `http://127.0.0.1:${port}${work.target}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  await once(child, 'close')
  const line = /^RESULT (.*)$/m.exec(out)?.[1]
  if (line === undefined) throw new Error(`wrk said:\n${out}`)
  return JSON.parse(line) as LoadResult
}

function scriptOf ({ method, bodyBytes, close = false, pauseMs = 0 }: Work): string {
  const headers = { ...(method === 'POST' ? BROWSER : { ...BROWSER, 'Content-Type': undefined }), ...(close ? { Connection: 'close' } : {}) }
  return `
wrk.method = "${method}"
${bodyBytes === 0 ? '' : `math.randomseed(1)
local bytes = {}
for i = 1, ${bodyBytes} do bytes[i] = string.char(math.random(0, 255)) end
wrk.body = table.concat(bytes)`}
${Object.entries(headers).filter(([, value]) => value !== undefined).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`).join('\n')}
${pauseMs === 0 ? '' : `function delay () return math.random(${Math.floor(pauseMs / 2)}, ${Math.ceil(pauseMs * 1.5)}) end`}
function done (summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"perSecond":%f,"p50Ms":%f,"p99Ms":%f,"errors":%d}\\n',
    summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`
}

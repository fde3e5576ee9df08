/** Loaded into the router before its own code (`node --import`): says over a socket how much has been allocated. */
import { createServer } from 'node:net'
import { GCProfiler, getHeapStatistics } from 'node:v8'
import type { Allocated } from './allocations.ts'

let profiler = startProfiler()
let collectedBytes = 0

createServer(socket => { socket.end(JSON.stringify(allocated())) }).listen(new URL(import.meta.url).searchParams.get('socket')).unref()

function allocated (): Allocated {
  for (const { beforeGC, afterGC } of profiler.stop()?.statistics ?? []) collectedBytes += beforeGC.heapStatistics.externalMemory - afterGC.heapStatistics.externalMemory
  profiler = startProfiler()
  const { total_allocated_bytes: heapBytes, external_memory: outsideBytes } = getHeapStatistics()
  return { heapBytes, bufferBytes: outsideBytes + collectedBytes }
}

function startProfiler (): GCProfiler {
  const profiler = new GCProfiler()
  profiler.start()
  return profiler
}

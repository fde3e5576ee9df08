/** Loaded into the router before its own code (`node --import`): says over a socket how much has been allocated. */
import { createServer } from 'node:net'
import { GCProfiler, getHeapStatistics, type GCProfilerResult } from 'node:v8'
import type { Allocated } from './allocations.ts'

let profiler = startProfiler()
let collectedBytes = 0
let promotedBytes = 0

createServer(socket => { socket.end(JSON.stringify(allocated())) }).listen(new URL(import.meta.url).searchParams.get('socket')).unref()

function allocated (): Allocated {
  for (const { gcType, beforeGC, afterGC } of profiler.stop()?.statistics ?? []) {
    collectedBytes += beforeGC.heapStatistics.externalMemory - afterGC.heapStatistics.externalMemory
    if (gcType === 'Scavenge') promotedBytes += oldBytes(afterGC) - oldBytes(beforeGC)
  }
  profiler = startProfiler()
  const { total_allocated_bytes: heapBytes, external_memory: outsideBytes } = getHeapStatistics()
  return { heapBytes, bufferBytes: outsideBytes + collectedBytes, promotedBytes }
}

function oldBytes ({ heapSpaceStatistics }: GCProfilerResult['statistics'][number]['afterGC']): number {
  return heapSpaceStatistics.find(({ spaceName }) => spaceName === 'old_space')?.spaceUsedSize ?? NaN
}

function startProfiler (): GCProfiler {
  const profiler = new GCProfiler()
  profiler.start()
  return profiler
}

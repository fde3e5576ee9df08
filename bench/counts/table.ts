/** Per request; written by `npm run counts -- --write` (see run.ts), read by `test/counts`. */
import type { Limits } from './ceilings.ts'
import type { WorkName } from './works.ts'

export const TABLE: Readonly<Record<WorkName, Limits>> = {
  // 2 KB envelope, keep-alive, c=16
  envelope: {
    heapBytes: { measured: 23580, ceiling: 26400 },
    bufferBytes: { measured: 5820, ceiling: 6410 },
    reads: { measured: 3.31, ceiling: 3.81 },
    writes: { measured: 4.24, ceiling: 4.88 },
    epoll: { measured: 0.81, ceiling: 1.62 },
    futex: { measured: 0.65, ceiling: 0.97 },
    sync: { measured: 0.14, ceiling: 0.19 },
    memory: { measured: 0.01, ceiling: 0.31 },
    other: { measured: 0.31, ceiling: 0.56 }
  },
  // 2 KB envelope, keep-alive, c=4
  'envelope-4': {
    heapBytes: { measured: 29650, ceiling: 33210 },
    bufferBytes: { measured: 5920, ceiling: 6510 },
    reads: { measured: 4.14, ceiling: 4.76 },
    writes: { measured: 7.48, ceiling: 8.6 },
    epoll: { measured: 3.01, ceiling: 6.02 },
    futex: { measured: 2.29, ceiling: 3.44 },
    sync: { measured: 0.51, ceiling: 0.71 },
    memory: { measured: 0, ceiling: 0.3 },
    other: { measured: 0.61, ceiling: 0.86 }
  },
  // 64 KB envelope, keep-alive, c=8
  'envelope-64k': {
    heapBytes: { measured: 34900, ceiling: 39090 },
    bufferBytes: { measured: 132650, ceiling: 145910 },
    reads: { measured: 4.84, ceiling: 5.57 },
    writes: { measured: 8.6, ceiling: 9.89 },
    epoll: { measured: 1.96, ceiling: 3.91 },
    futex: { measured: 2.71, ceiling: 4.07 },
    sync: { measured: 0.27, ceiling: 0.38 },
    memory: { measured: 0.01, ceiling: 0.31 },
    other: { measured: 0.6, ceiling: 0.85 }
  },
  // 2 KB envelope, new connection, c=16
  'new-connection': {
    heapBytes: { measured: 36470, ceiling: 40850 },
    bufferBytes: { measured: 5900, ceiling: 6490 },
    reads: { measured: 4, ceiling: 4.6 },
    writes: { measured: 5.06, ceiling: 5.82 },
    epoll: { measured: 2.71, ceiling: 5.41 },
    futex: { measured: 5.1, ceiling: 7.65 },
    sync: { measured: 0.14, ceiling: 0.2 },
    memory: { measured: 0.15, ceiling: 0.45 },
    other: { measured: 7.29, ceiling: 8.75 }
  },
  // UI GET, 10 KB page, c=16
  page: {
    heapBytes: { measured: 11390, ceiling: 12760 },
    bufferBytes: { measured: 790, ceiling: 1090 },
    reads: { measured: 2.02, ceiling: 2.32 },
    writes: { measured: 2.01, ceiling: 2.31 },
    epoll: { measured: 0.24, ceiling: 0.54 },
    futex: { measured: 0.05, ceiling: 0.35 },
    sync: { measured: 0, ceiling: 0.05 },
    memory: { measured: 0.06, ceiling: 0.36 },
    other: { measured: 0.08, ceiling: 0.33 }
  }
}

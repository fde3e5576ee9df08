/** Per request; written by `npm run counts -- --write` (see run.ts), read by `test/counts`. */
import type { Limits } from './ceilings.ts'
import type { WorkName } from './works.ts'

export const TABLE: Readonly<Record<WorkName, Limits>> = {
  // 2 KB envelope, keep-alive, c=16
  envelope: {
    heapBytes: { measured: 22670, ceiling: 28340 },
    promotedBytes: { measured: 45.46, ceiling: 750 },
    bufferBytes: { measured: 3100, ceiling: 3570 },
    reads: { measured: 3.15, ceiling: 3.78 },
    writes: { measured: 3.33, ceiling: 4.17 },
    epoll: { measured: 0.23, ceiling: 0.83 },
    futex: { measured: 1.04, ceiling: 2.08 },
    sync: { measured: 0.02, ceiling: 0.22 },
    memory: { measured: 0.01, ceiling: 0.31 },
    other: { measured: 0.11, ceiling: 0.51 }
  },
  // 2 KB envelope, keep-alive, c=4
  'envelope-4': {
    heapBytes: { measured: 26950, ceiling: 33690 },
    promotedBytes: { measured: 28.28, ceiling: 730 },
    bufferBytes: { measured: 3170, ceiling: 3650 },
    reads: { measured: 3.52, ceiling: 4.23 },
    writes: { measured: 4.1, ceiling: 5.13 },
    epoll: { measured: 0.98, ceiling: 1.96 },
    futex: { measured: 3.14, ceiling: 6.28 },
    sync: { measured: 0.02, ceiling: 0.22 },
    memory: { measured: 0.01, ceiling: 0.31 },
    other: { measured: 0.09, ceiling: 0.49 }
  },
  // 64 KB envelope, keep-alive, c=8
  'envelope-64k': {
    heapBytes: { measured: 38220, ceiling: 47780 },
    promotedBytes: { measured: 120, ceiling: 820 },
    bufferBytes: { measured: 66790, ceiling: 76810 },
    reads: { measured: 4.31, ceiling: 5.18 },
    writes: { measured: 3.62, ceiling: 4.53 },
    epoll: { measured: 0.55, ceiling: 1.15 },
    futex: { measured: 2.01, ceiling: 4.02 },
    sync: { measured: 0.02, ceiling: 0.22 },
    memory: { measured: 0.04, ceiling: 0.34 },
    other: { measured: 0.22, ceiling: 0.62 }
  },
  // 2 KB envelope, new connection, c=16
  'new-connection': {
    heapBytes: { measured: 33400, ceiling: 41750 },
    promotedBytes: { measured: 6450, ceiling: 12900 },
    bufferBytes: { measured: 3320, ceiling: 3820 },
    reads: { measured: 3.58, ceiling: 4.3 },
    writes: { measured: 4.24, ceiling: 5.3 },
    epoll: { measured: 2.05, ceiling: 4.1 },
    futex: { measured: 3.38, ceiling: 6.76 },
    sync: { measured: 0.03, ceiling: 0.23 },
    memory: { measured: 0.01, ceiling: 0.31 },
    other: { measured: 6.06, ceiling: 7.58 }
  },
  // UI GET, 10 KB page, c=16
  page: {
    heapBytes: { measured: 11920, ceiling: 14900 },
    promotedBytes: { measured: 18.8, ceiling: 720 },
    bufferBytes: { measured: 840, ceiling: 1140 },
    reads: { measured: 2.02, ceiling: 2.43 },
    writes: { measured: 2.02, ceiling: 2.53 },
    epoll: { measured: 0.16, ceiling: 0.76 },
    futex: { measured: 0.12, ceiling: 0.42 },
    sync: { measured: 0, ceiling: 0.2 },
    memory: { measured: 0.01, ceiling: 0.31 },
    other: { measured: 0.08, ceiling: 0.48 }
  }
}

/** The kinds of requests that are counted, and how many of each. Their names are rows of `npm run bench` and `npm run profile` too. */
import type { Work } from '../traffic/load.ts'
import { ENVELOPE, PAIRED_ROWS } from '../traffic/rows.ts'

export interface CountedWork {
  readonly name: WorkName
  readonly title: string
  readonly work: Work
  /** Sent before anything is counted, so that what Node compiles and opens once is not counted. */
  readonly warmUp: number
  /** Counted undisturbed. */
  readonly requests: number
  /** Counted after these, with each system call stopped. */
  readonly tracedRequests: number
}

export const WORK_NAMES = ['envelope', 'envelope-4', 'envelope-64k', 'new-connection', 'page'] as const
export type WorkName = typeof WORK_NAMES[number]

export const WORKS: readonly CountedWork[] = [
  { name: 'envelope', title: '2 KB envelope, keep-alive, c=16', work: { ...ENVELOPE, connections: 16 }, warmUp: 14000, requests: 4000, tracedRequests: 1500 },
  { name: 'envelope-4', title: '2 KB envelope, keep-alive, c=4', work: { ...ENVELOPE, connections: 4 }, warmUp: 6000, requests: 1500, tracedRequests: 600 },
  { name: 'envelope-64k', title: '64 KB envelope, keep-alive, c=8', work: { ...ENVELOPE, bodyBytes: 65_536, connections: 8 }, warmUp: 2000, requests: 500, tracedRequests: 400 },
  { name: 'new-connection', title: '2 KB envelope, new connection, c=16', work: { ...ENVELOPE, connections: 16, close: true }, warmUp: 4000, requests: 1500, tracedRequests: 600 },
  { name: 'page', title: 'UI GET, 10 KB page, c=16', work: pageWork(), warmUp: 10000, requests: 4000, tracedRequests: 1500 }
]

function pageWork (): Work {
  const row = PAIRED_ROWS.find(row => row.name === 'page')
  if (row === undefined) throw new Error('the bench has no row "page"')
  return { ...row.work, connections: 16 }
}

/** The rows that compare the router with nginx, in turn, by CPU per request. */
import type { Work } from './load.ts'

export interface PairedRow {
  readonly name: string
  readonly title: string
  readonly work: Work
  readonly against: 'doc' | 'tuned'
  /** Router ÷ nginx, at most. */
  readonly target: number
  readonly moonshot: number | null
  /** Copies per request. */
  readonly copies: 0 | 1
}

export const ENVELOPE: Work = { method: 'POST', target: '/api/1/envelope/?sentry_key=0123456789abcdef0123456789abcdef&sentry_version=7', bodyBytes: 2048, connections: 64 }

export const PAIRED_ROWS: readonly PairedRow[] = [
  { name: 'envelope', title: '2 KB envelope, keep-alive, c=64', work: ENVELOPE, against: 'doc', target: 0.6, moonshot: 0.3, copies: 1 },
  { name: 'envelope-tuned', title: '2 KB envelope, keep-alive, c=64, nginx tuned', work: ENVELOPE, against: 'tuned', target: 0.85, moonshot: 0.5, copies: 1 },
  { name: 'envelope-4', title: '2 KB envelope, c=4', work: { ...ENVELOPE, connections: 4 }, against: 'doc', target: 0.7, moonshot: 0.35, copies: 1 },
  { name: 'envelope-256', title: '2 KB envelope, c=256', work: { ...ENVELOPE, connections: 256 }, against: 'doc', target: 0.7, moonshot: 0.35, copies: 1 },
  { name: 'envelope-64k', title: '64 KB envelope, c=8', work: { ...ENVELOPE, bodyBytes: 65_536, connections: 8 }, against: 'doc', target: 1, moonshot: 0.8, copies: 1 },
  { name: 'new-connection', title: 'new connection per request, 2 KB, c=64', work: { ...ENVELOPE, close: true }, against: 'doc', target: 1, moonshot: 0.8, copies: 1 },
  { name: 'page', title: 'UI GET, 10 KB page, c=64', work: { method: 'GET', target: '/organizations/sentry/issues/', bodyBytes: 0, connections: 64 }, against: 'doc', target: 1, moonshot: 0.5, copies: 0 }
]

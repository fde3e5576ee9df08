/** Envelopes of every size that the router treats in its own way. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Random } from '../crash/random.ts'
import type { Book } from './book.ts'
import { dueOf, LISTED, PROJECTS, type MapName } from './router-file.ts'

export interface Envelope {
  readonly number: number
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** It is copied by one of the maps only. */
  readonly dependsOnMap: boolean
}

export interface EnvelopeMaker {
  /** Registered in the book. @param mostBytes - Of its body. */
  readonly make: (mostBytes?: number) => Envelope
}

/** Bytes, and how many of a thousand. 300 KB wait in a file of the spool, 5 MB are received into one. */
const SIZES = [[0, 50], [200, 300], [2_000, 440], [64_000, 160], [300_000, 46], [5_000_000, 4]] as const
/** Above it, compressing would cost more than everything else here. */
const MOST_COMPRESSED = 100_000
/** A dead letter stays, and a body file with it: small ones leave none behind. */
const MOST_POISON = 10_000

/** @param map - In force, or `null` while that is being changed. */
export function createEnvelopes ({ book, random, now, map }: { readonly book: Book, readonly random: Random, readonly now: () => number, readonly map: () => MapName | null }): EnvelopeMaker {
  const pool = random.fill(Buffer.alloc(6_000_000))

  function sizeOf (mostBytes: number): number {
    let draw = random.between(0, 999)
    for (const [bytes, share] of SIZES) {
      draw -= share
      if (draw < 0) return Math.min(mostBytes, bytes)
    }
    return 0
  }

  function bodyOf (number: number, bytes: number): Buffer {
    if (bytes === 0) return Buffer.alloc(0)
    const from = random.between(0, pool.length - bytes)
    return Buffer.concat([
      Buffer.from(`{"event_id":"${number.toString(16).padStart(32, '0')}","sdk":{"name":"soak"}}\n{"type":"event","length":${bytes}}\n`),
      pool.subarray(from, from + bytes)
    ])
  }

  return {
    make (mostBytes = Infinity) {
      // Half of them for projects that are copied by either map.
      const project = random.between(1, random.chance(0.5) ? LISTED : PROJECTS)
      const bytes = sizeOf(mostBytes)
      const inForce = map()
      const dependsOnMap = dueOf(project, 'a') !== dueOf(project, 'b')
      const due = inForce !== null || !dependsOnMap ? dueOf(project, inForce ?? 'a') : 'maybe'
      const poison = bytes < MOST_POISON && random.chance(0.01)
      const number = book.open({ due, poison, at: now() })
      const plain = bodyOf(number, bytes)
      const compressed = bytes > 0 && bytes < MOST_COMPRESSED && random.chance(0.5)
      const body = compressed ? gzipSync(plain, { level: 1 }) : plain
      book.filled(number, createHash('sha256').update(body).digest(), body.length)
      return {
        number,
        target: `/api/${random.chance(0.03) ? '/' : ''}${project}/envelope/?sentry_key=${'0'.repeat(32)}&n=${number}`,
        headers: { 'Content-Type': 'application/x-sentry-envelope', ...compressed && { 'Content-Encoding': 'gzip' } },
        body,
        dependsOnMap
      }
    }
  }
}

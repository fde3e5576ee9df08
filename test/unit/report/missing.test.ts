/** Copies are named by what their bodies say, wherever these lie. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'tap'
import { nameCopies, type MissingCopy } from '../../../src/report/missing.ts'
import type { CopyBody } from '../../../src/spool/types.ts'
import type { UndeliveredCopy } from '../../../src/spool/undelivered.ts'

const EVENT_ID = 'fc6d8c0c43fc4630ad850ee518f1b9d0'
const ENVELOPE = Buffer.from(`{"event_id":"${EVENT_ID}","sent_at":"2026-08-20T12:00:00Z"}\n{"type":"event","length":2}\n{}\n`)

function bodyOf (chunks: readonly Buffer[] | null, file: string | null = null): CopyBody {
  return { length: 1000, chunks, file, hold () {}, release () {}, takeFile: async () => {} }
}

function found (body: CopyBody, fields = ''): UndeliveredCopy {
  return { id: 'a'.repeat(32), project: '1', state: 'pending', reason: '', takenAt: 0, eventId: null, copy: { fields, body } }
}

function * many (): Generator<UndeliveredCopy> {
  for (let i = 0; i < 20_000; i++) yield found(bodyOf([ENVELOPE]))
}

async function named (copies: Iterable<UndeliveredCopy>): Promise<MissingCopy[]> {
  const all: MissingCopy[] = []
  for await (const part of nameCopies(copies)) all.push(...part)
  return all
}

test('the event id is read from bodies in memory, in chunks, compressed, and in files', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const plain = join(folder, 'plain')
  const coded = join(folder, 'coded')
  await writeFile(plain, Buffer.concat([ENVELOPE, Buffer.alloc(1_000_000, 'x')]))
  await writeFile(coded, gzipSync(ENVELOPE))

  const copies = await named([
    found(bodyOf([ENVELOPE])),
    found(bodyOf([ENVELOPE.subarray(0, 20), ENVELOPE.subarray(20)])),
    found(bodyOf([gzipSync(ENVELOPE)]), 'Content-Encoding: gzip\r\n'),
    found({ ...bodyOf(null, plain), length: 1_000_000 + ENVELOPE.length }),
    found(bodyOf(null, coded), 'content-encoding: gzip\r\n')
  ])

  t.strictSame(copies.map(({ eventId }) => eventId), Array.from({ length: 5 }, () => EVENT_ID))
})

test('a copy whose body says nothing, or is gone, is listed without an event id', async t => {
  const copies = await named([
    found(bodyOf([])),
    found(bodyOf([Buffer.from('no envelope')])),
    found(bodyOf([Buffer.from('{}\n')])),
    found(bodyOf([ENVELOPE]), 'content-encoding: gzip\r\n'),
    found(bodyOf(null, '/nowhere/at/all')),
    { ...found(bodyOf([])), copy: null }
  ])

  t.strictSame(copies.map(({ eventId }) => eventId), Array.from({ length: 6 }, () => null))
})

test('a long list comes in parts, and others have their turn between them', async t => {
  let turns = 0
  let parts = 0
  const timer = setInterval(() => { turns++ }, 0)
  t.teardown(() => { clearInterval(timer) })

  let copies = 0
  for await (const part of nameCopies(many())) {
    parts++
    copies += part.length
  }

  t.equal(copies, 20_000)
  t.ok(parts > 2, `${parts} parts`)
  t.ok(turns > 2, `${turns} turns`)
})

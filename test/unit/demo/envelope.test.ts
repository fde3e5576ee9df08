import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { test } from 'tap'
import { readEnvelope } from '../../../src/demo/envelope.ts'

const BINARY = Buffer.from([0x0a, 0x7b, 0x0a, 0xff])
const ENVELOPE = Buffer.concat([
  Buffer.from('{"event_id":"9ec7","dsn":"http://k@h/1"}\n{"type":"event"}\n{"message":"a"}\n'),
  Buffer.from(`{"type":"attachment","length":${BINARY.length}}\n`), BINARY,
  Buffer.from('\n{"type":"span","item_count":3}\n{}')
])
const READ = {
  eventId: '9ec7',
  dsn: 'http://k@h/1',
  items: [{ type: 'event', count: 1 }, { type: 'attachment', count: 1 }, { type: 'span', count: 3 }]
}

test('an envelope is read through every content coding that Relay takes', async t => {
  for (const [coding, body] of [
    [undefined, ENVELOPE], ['', ENVELOPE], ['UTF-8', ENVELOPE], ['gzip', gzipSync(ENVELOPE)], ['x-gzip', gzipSync(ENVELOPE)],
    ['GZIP', gzipSync(ENVELOPE)], ['deflate', deflateSync(ENVELOPE)], ['br', brotliCompressSync(ENVELOPE)], ['zstd', zstdCompressSync(ENVELOPE)]
  ] as const) {
    t.strictSame(await readEnvelope(body, coding), READ, String(coding))
  }
})

test('a body that is no envelope is null', async t => {
  for (const [body, coding] of [['', undefined], ['hello', undefined], ['{}\nnot json\n', undefined], ['plain', 'gzip']] as const) {
    t.equal(await readEnvelope(Buffer.from(body), coding), null, body)
  }
})

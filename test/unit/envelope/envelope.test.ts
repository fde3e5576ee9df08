import * as fc from 'fast-check'
import { test } from 'tap'
import { findEventId, maskDsn, MOST_ITEMS, parseEnvelope } from '../../../src/envelope/envelope.ts'

const ID = '9ec79c33ec9942ab8353589fcb2e04dc'

function parse (text: string, cut = false): ReturnType<typeof parseEnvelope> {
  return parseEnvelope(Buffer.from(text), cut)
}

test('header and items are read, whatever the payloads hold', async t => {
  const binary = Buffer.from([0x0a, 0x7b, 0x0a, 0xff])
  const bytes = Buffer.concat([
    Buffer.from(`{"event_id":"${ID}","dsn":"http://k@h/1","sdk":{"name":"sentry.javascript.node","version":"11.12.0"},"sent_at":"2026-11-22T10:00:00.000Z"}\n`),
    Buffer.from('{"type":"event"}\n{"message":"a"}\n'),
    Buffer.from(`{"type":"attachment","length":${binary.length},"filename":"core.dmp","content_type":"application/octet-stream"}\n`), binary,
    Buffer.from('\n{"type":"span","item_count":3}\n{}')
  ])

  t.strictSame(parseEnvelope(bytes), {
    envelope: {
      eventId: ID,
      dsn: 'http://k@h/1',
      sdk: { name: 'sentry.javascript.node', version: '11.12.0' },
      sentAt: '2026-11-22T10:00:00.000Z',
      items: [
        { type: 'event', length: 15, count: 1, filename: null, contentType: null },
        { type: 'attachment', length: 4, count: 1, filename: 'core.dmp', contentType: 'application/octet-stream' },
        { type: 'span', length: 2, count: 3, filename: null, contentType: null }
      ]
    },
    fault: null
  })
})

test('an envelope of a header alone has no items, and no fault', async t => {
  for (const text of ['{}', '{}\n', '{}\n\n\n']) {
    t.strictSame(parse(text), { envelope: { eventId: null, dsn: null, sdk: null, sentAt: null, items: [] }, fault: null }, JSON.stringify(text))
  }
})

test('what cannot be read is said, and what stands before it is kept', async t => {
  const seen = [
    'hello', '', '[]', 'null\n',
    '{}\nnot json\n',
    '{}\n{"type":"event"}\n{}\n[1]\n{}',
    '{}\n{"type":"event","length":100}\n{}\n',
    '{}\n{"type":"event","length":1}\n{}\n',
    '{}\n{"length":-1}\nabc'
  ].map(text => {
    const { envelope, fault } = parse(text)
    return [envelope?.items.map(item => `${item.type} ${item.length}`) ?? null, fault]
  })

  const none = [null, 'It is no envelope: its first line is not a JSON object.']
  t.strictSame(seen, [
    none, none, none, none,
    [[], 'The header of item 1 is not a JSON object.'],
    [['event 2'], 'The header of item 2 is not a JSON object.'],
    [['event 100'], 'Item 1 says that it has 100 bytes, but 97 of them are missing.'],
    [['event 1'], 'Item 1 goes on behind the length it says.'],
    [['without a type 3'], null]
  ])
})

test('that the start of a longer body ends in the middle of an item is no fault', async t => {
  t.equal(parse('{}\n{"type":"attachment","length":100}\nabc', true).fault, null)
  t.equal(parse('{}\n{"type":"atta', true).fault, null)
  t.equal(parse('{}\nnot json\n{}', true).fault, 'The header of item 1 is not a JSON object.')
})

test('values of the wrong type count as missing', async t => {
  const { envelope } = parse('{"event_id":7,"dsn":{},"sdk":"x","sent_at":[]}\n{"type":1,"length":"2","item_count":-1,"filename":{},"content_type":null}\n{}')

  t.strictSame(envelope, {
    eventId: null, dsn: null, sdk: null, sentAt: null,
    items: [{ type: 'without a type', length: 2, count: 1, filename: null, contentType: null }]
  })
})

test('an event id is shown as Sentry shows it, and as it came when it is no UUID', async t => {
  for (const [written, shown] of [
    ['9EC79C33-EC99-42AB-8353-589FCB2E04DC', ID], [ID, ID], ['my-event', 'my-event'], ['x'.repeat(5000), `${'x'.repeat(200)}…`]
  ] as const) {
    t.equal(parse(JSON.stringify({ event_id: written })).envelope?.eventId, shown)
  }
})

test('no more items are listed than anybody reads', async t => {
  const { envelope, fault } = parse(`{}\n${'{}\n\n'.repeat(MOST_ITEMS + 1)}`)

  t.equal(envelope?.items.length, MOST_ITEMS)
  t.equal(fault, `It has more than ${MOST_ITEMS} items; the others are not listed.`)
})

test('an event id is found in a first line that is cut off', async t => {
  for (const [text, id] of [
    [`{"event_id":"${ID}","dsn":"http`, ID],
    [`{"sent_at":"x", "event_id" : "${ID}","trace":{`, ID],
    [`{"event_id":"${ID}"}\n{"ty`, ID],
    [`{"trace":{"event_id":"${ID}"`, null],
    [`{"event_id":"${ID.slice(5)}`, null],
    [`{"dsn":"x"}\n{"event_id":"${ID}"}`, null],
    [`not json "event_id":"${ID}"\n`, null],
    ['', null]
  ] as const) {
    t.equal(findEventId(Buffer.from(text)), id, text)
  }
})

test('a DSN is shown without its keys', async t => {
  t.equal(maskDsn('https://0123abcd@o1.ingest.example.test:9000/42'), 'https://***@o1.ingest.example.test:9000/42')
  t.equal(maskDsn('https://public:secret@sentry.example.test/sub/42?x=secret'), 'https://***@sentry.example.test/sub/42')
  t.equal(maskDsn('secret'), '***')
  t.equal(maskDsn('https://secret/1'), '***')
})

const word = fc.string({ minLength: 1, maxLength: 20 })
const items = fc.array(fc.record({ type: word, payload: fc.uint8Array({ maxLength: 50 }) }), { maxLength: 8 })

function write (parts: readonly { type: string, payload: Uint8Array }[]): Buffer {
  return Buffer.concat([Buffer.from(`{"event_id":"${ID}"}\n`), ...parts.flatMap(({ type, payload }) =>
    [Buffer.from(`${JSON.stringify({ type, length: payload.length })}\n`), payload, Buffer.from('\n')])])
}

test('every item that was written is listed, with its length', async t => {
  fc.assert(fc.property(items, parts => {
    const { envelope, fault } = parseEnvelope(write(parts))

    return fault === null && JSON.stringify(envelope?.items.map(item => [item.type, item.length])) === JSON.stringify(parts.map(part => [part.type, part.payload.length]))
  }))
  t.pass('no counterexample')
})

test('the start of an envelope lists the same items as far as it goes', async t => {
  fc.assert(fc.property(items, fc.nat(), (parts, at) => {
    const whole = write(parts)
    const { envelope } = parseEnvelope(whole.subarray(0, at % (whole.length + 1)), true)

    return (envelope?.items ?? []).every((item, i) => item.type === parts[i]?.type && item.length === parts[i].payload.length)
  }), { numRuns: 500 })
  t.pass('no counterexample')
})

test('whatever the bytes are, reading them ends without an error', async t => {
  const line = fc.oneof(fc.json(), fc.constantFrom('{}', '{"type":"event","length":3}', '{"length":1e300}', '{"length":9007199254740991}', '', '\u0000', '{"type":{}}'), fc.string())
  fc.assert(fc.property(fc.array(line), fc.boolean(), (lines, cut) => {
    const bytes = Buffer.from(lines.join('\n'))
    parseEnvelope(bytes, cut)
    findEventId(bytes)
  }), { numRuns: 1000 })
  t.pass('no counterexample')
})

import { test } from 'tap'
import { createRefusalLog } from '../../../src/log/refusal-log.ts'

test('ten thousand refused clients are a line at once and a line at the end of the interval, and silence is none', async t => {
  const lines: { refused: unknown, words: string }[] = []
  const two = Promise.withResolvers<void>()
  const refused = createRefusalLog({
    warn: (fields: unknown, words?: unknown) => {
      lines.push({ ...fields as { refused: unknown }, words: String(words) })
      if (lines.length === 2) two.resolve()
    }
  }, 50)

  refused('connections')
  t.equal(lines.length, 1)
  for (let i = 0; i < 9998; i++) refused('connections')
  refused('bodies')
  t.equal(lines.length, 1)
  const alive = setTimeout(() => {}, 10_000)
  await two.promise
  await new Promise(resolve => { setTimeout(resolve, 200) })
  clearTimeout(alive)

  t.strictSame(lines.map(({ refused }) => refused), [{ connections: 1 }, { connections: 9998, bodies: 1 }])
  t.match(lines[1]?.words, /client\.max_connections, .*; .*client\.max_body_space/)
  refused('requests')
  t.strictSame(lines[2]?.refused, { requests: 1 }, 'after a pause the first is told at once')
})

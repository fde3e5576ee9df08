import type { LookupAddress } from 'node:dns'
import { test } from 'tap'
import { createLookup } from '../../../src/http1/lookup.ts'

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

const ONE = [{ address: '10.0.0.1', family: 4 }]
const TWO = [{ address: '10.0.0.2', family: 4 }, { address: 'fd00::2', family: 6 }]
const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

/** A lookup whose name service answers when the test says so. */
function asked (patienceMs?: number): { resolve: () => Promise<unknown>, questions: Answer[] } {
  const questions: Answer[] = []
  const lookup = createLookup('relay', (_host, _options, answered) => { questions.push(answered) }, patienceMs)
  return {
    questions,
    resolve: () => new Promise((resolve, reject) => {
      lookup('relay', { all: true }, (error, addresses) => { if (error) reject(error); else resolve(addresses) })
    })
  }
}

test('connections that want a name at the same time ask once', async t => {
  const { resolve, questions } = asked()

  const all = [resolve(), resolve(), resolve()]
  t.equal(questions.length, 1)
  questions[0]?.(null, TWO)

  t.strictSame(await Promise.all(all), [TWO, TWO, TWO])
})

test('every later connection asks again, and gets the new answer', async t => {
  const { resolve, questions } = asked()

  const first = resolve()
  questions[0]?.(null, ONE)
  t.strictSame(await first, ONE)
  const second = resolve()
  questions[1]?.(null, TWO)

  t.strictSame(await second, TWO)
})

test('an error without an address of before is everybody\'s', async t => {
  const { resolve, questions } = asked()

  const all = [resolve(), resolve()]
  questions[0]?.(failure('EAI_AGAIN'), [])

  for (const each of all) await t.rejects(each, { code: 'EAI_AGAIN' })
})

test('while the name service fails, the addresses of before serve', async t => {
  const { resolve, questions } = asked()
  const first = resolve()
  questions[0]?.(null, ONE)
  await first

  const second = resolve()
  questions[1]?.(failure('EAI_AGAIN'), [])

  t.strictSame(await second, ONE)
})

test('while the name service hangs, the addresses of before serve, and there is one question', async t => {
  const { resolve, questions } = asked(20)
  const first = resolve()
  questions[0]?.(null, ONE)
  await first

  t.strictSame(await Promise.all([resolve(), resolve()]), [ONE, ONE])
  const at = performance.now()
  t.strictSame(await resolve(), ONE)
  t.ok(performance.now() - at < 5, 'nobody waits a second time for the same question')
  t.equal(questions.length, 2)

  questions[1]?.(null, TWO)
  const afterwards = resolve()
  questions[2]?.(null, TWO)
  t.strictSame(await afterwards, TWO)
})

test('a name that is no more is believed', async t => {
  const { resolve, questions } = asked()
  const first = resolve()
  questions[0]?.(null, ONE)
  await first

  const second = resolve()
  questions[1]?.(failure('ENOTFOUND'), [])
  await t.rejects(second, { code: 'ENOTFOUND' })
  const third = resolve()
  questions[2]?.(failure('EAI_AGAIN'), [])

  await t.rejects(third, { code: 'EAI_AGAIN' })
})

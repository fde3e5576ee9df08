/**
 * What the fuzzers of test/fuzz share: how long they run, from which seed, and how a
 * real file is damaged. `FUZZ_SECONDS` is the time of each property (5), `FUZZ_SEED`
 * repeats a run; both are said in the output.
 */
import * as fc from 'fast-check'
import root, { type Test } from 'tap'

const DEFAULT_SECONDS = 5
/** For the smallest counterexample, and for what else is in the file. */
const SPARE_MS = 120_000

/**
 * Runs a property for its time, as often as that allows. It fails with the seed and the smallest counterexample.
 *
 * @param holds - Throws where the property does not hold.
 */
export async function fuzz<T> (t: Test, arbitrary: fc.Arbitrary<T>, holds: (value: T) => Promise<void> | void): Promise<void> {
  const seconds = Number(process.env['FUZZ_SECONDS'] ?? DEFAULT_SECONDS)
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  let runs = 0
  let last: Promise<void> = Promise.resolve()
  // The file's time begins anew with each property.
  root.setTimeout(seconds * 1000 + SPARE_MS)
  t.setTimeout(seconds * 1000 + SPARE_MS)
  t.comment(`FUZZ_SEED=${seed}`)
  const property = fc.asyncProperty(arbitrary, async value => {
    runs++
    last = (async () => { await holds(value) })()
    await last
  })
  const found = await fc.check(property, { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false })
  // When the time is over fast-check waits no longer for the run that is under way, which has files and processes of its own.
  if (!found.failed) await last
  t.comment(`${runs} runs`)
  if (!found.failed) t.pass(`${runs} runs in ${seconds} s`)
  else t.fail(String(found.errorInstance), { seed, counterexample: written(found.counterexample?.[0]) })
}

/** As a test can quote it. */
function written (value: unknown): string {
  if (Buffer.isBuffer(value)) return `Buffer.from(${JSON.stringify(value.toString('latin1'))}, 'latin1')`
  const text = fc.stringify(value)
  return text.length > 20_000 ? `${text.slice(0, 10_000)} … ${text.slice(-10_000)}` : text
}

type Edit = (bytes: Buffer, at: number, length: number, token: Buffer) => Buffer[]

const EDITS: readonly Edit[] = [
  (bytes, at, _, token) => [bytes.subarray(0, at), token, bytes.subarray(at)],
  (bytes, at, length, token) => [bytes.subarray(0, at), token, bytes.subarray(at + length)],
  (bytes, at, length) => [bytes.subarray(0, at), bytes.subarray(at + length)],
  (bytes, at, length) => [bytes.subarray(0, at + length), bytes.subarray(at)],
  (bytes, at) => [bytes.subarray(0, at)],
  (bytes, at, length) => [bytes.subarray(0, at), Buffer.from([(bytes[at] ?? 0) ^ 1 << length % 8]), bytes.subarray(at + 1)]
]

/**
 * Real files with a few places changed: pieces taken out, doubled, cut off or replaced,
 * tokens put in, bits flipped.
 *
 * @param tokens - What means something in this kind of file.
 */
export function damaged (seeds: readonly Buffer[], tokens: readonly string[], mostEdits = 6): fc.Arbitrary<Buffer> {
  const token = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...tokens).map(text => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map(bytes => Buffer.from(bytes)) }
  )
  const edit = fc.record({ how: fc.constantFrom(...EDITS), at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat({ max: 40 }), token })
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: mostEdits })).map(([seed, edits]) =>
    edits.reduce((bytes, { how, at, length, token }) => Buffer.concat(how(bytes, Math.floor(at * bytes.length), length, token)), seed))
}

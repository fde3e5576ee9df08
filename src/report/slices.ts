/** Long work in small parts: the process that does it may have clients to serve. */
import { setImmediate } from 'node:timers/promises'

/** Work goes on for this long before others have their turn. */
const SLICE_MS = 2

/** What `work` makes of each item, in order, in parts with a pause between them. */
export async function * inSlices<Item, Result> (items: Iterable<Item>, work: (item: Item) => Result | Promise<Result>): AsyncGenerator<readonly Result[]> {
  let part: Result[] = []
  let end = performance.now() + SLICE_MS
  for (const item of items) {
    part.push(await work(item))
    if (performance.now() < end) continue
    yield part
    part = []
    await setImmediate()
    end = performance.now() + SLICE_MS
  }
  if (part.length > 0) yield part
}

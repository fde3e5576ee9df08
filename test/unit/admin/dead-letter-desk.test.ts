import { test } from 'tap'
import { createDeadLetterDesk, type DeadLetterDesk } from '../../../src/admin/dead-letter-desk.ts'
import { createMemorySpool } from '../../../src/spool/memory-spool.ts'
import type { ClaimedCopy, Copy, DeadLetters } from '../../../src/spool/types.ts'
import { copyOf, listPending } from '../../helpers/copies.ts'

interface Setup {
  readonly desk: DeadLetterDesk
  readonly deadLetters: DeadLetters
  readonly ids: readonly string[]
  readonly replayed: string[]
}

/** @param onList - Called after every look at the dead letters. */
function setup (count: number, onList: (deadLetters: DeadLetters) => void = () => {}, fields: (index: number) => Partial<Copy> = () => ({})): Setup {
  const spool = createMemorySpool({ maxBytes: 64 * 1024 * 1024, whenFull: 'drop_oldest', onDrop () {}, now: () => 0 })
  const ids = Array.from({ length: count }, (_, index) => {
    const copy = copyOf({ takenAt: 0, ...fields(index) })
    void spool.append(copy)
    spool.bury(spool.claim(1, 0)[0] as ClaimedCopy, '400', '')
    return copy.id
  })
  const { deadLetters } = spool
  const replayed: string[] = []
  const desk = createDeadLetterDesk({
    deadLetters: {
      ...deadLetters,
      list (filter, limit, after) {
        const found = [...deadLetters.list(filter, limit, after)]
        onList(deadLetters)
        return found
      }
    },
    pending: listPending([]),
    onReplayed: projects => { replayed.push(...projects) },
    now: () => 1000
  })
  return { desk, deadLetters, ids, replayed }
}

async function listed (desk: DeadLetterDesk, size: number): Promise<string[]> {
  const ids: string[] = []
  let next: string | null | undefined
  do {
    const page = await desk.list({}, size, next ?? undefined)
    ids.push(...page.deadLetters.map(letter => letter.id))
    next = page.next
  } while (next !== null)
  return ids
}

test('every dead letter is listed once, whatever the size of the page', async t => {
  const { desk, ids } = setup(450)

  for (const size of [1, 199, 200, 201, 450, 1000]) t.strictSame(await listed(desk, size), ids, `pages of ${size}`)
})

test('a dead letter that is gone when the list goes on ends no list', async t => {
  let looks = 0
  const gone: string[] = []
  const { desk, ids } = setup(450, deadLetters => {
    if (looks++ > 0) return
    gone.push(...deadLetters.list({}, 200).slice(-3).map(letter => letter.id))
    void deadLetters.purge({ ids: gone })
  })

  const { deadLetters } = await desk.list({}, 1000)

  t.equal(gone.length, 3)
  t.strictSame(deadLetters.map(letter => letter.id), ids)
})

test('when the oldest go while they are listed, the list goes on with those that are left', async t => {
  let looks = 0
  const { desk, ids } = setup(450, deadLetters => {
    if (looks++ === 0) void deadLetters.purge({ ids: deadLetters.list({}, 250).map(letter => letter.id) })
  })

  const { deadLetters } = await desk.list({}, 1000)

  t.strictSame(deadLetters.map(letter => letter.id), [...ids.slice(0, 200), ...ids.slice(250)])
})

test('a filter that matches few looks through all', async t => {
  const { desk, ids } = setup(450, () => {}, index => ({ project: index === 449 ? '7' : '1' }))

  t.strictSame((await desk.list({ project: '7' }, 10)).deadLetters.map(letter => letter.id), [ids[449]])
  t.strictSame(await desk.replay({ project: '7' }), { count: 1, missing: [] })
})

test('other work gets its turn while many are moved', async t => {
  const { desk, replayed } = setup(1000)
  let turns = 0
  let done = false
  const turn = (): void => {
    turns++
    if (!done) setImmediate(turn)
  }
  setImmediate(turn)

  const { count } = await desk.replay({})
  done = true

  t.equal(count, 1000)
  t.equal(replayed.length, 1000)
  t.ok(turns >= 10, `${turns} turns`)
})

test('of ids that are asked for, those that are moved are counted and the others named', async t => {
  const { desk, ids, deadLetters } = setup(250)
  const unknown = 'f'.repeat(32)

  t.strictSame(await desk.purge({ ids: [...ids, unknown, unknown] }), { count: 250, missing: [unknown] })
  t.strictSame(deadLetters.list({}, 1), [])
})

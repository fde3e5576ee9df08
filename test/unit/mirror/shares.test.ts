import { test } from 'tap'
import { createShares, type Shares } from '../../../src/mirror/shares.ts'

function begin (shares: Shares, project: string, count: number, now: number): void {
  for (let i = 0; i < count; i++) shares.began(project, now)
}

test('a project that sends alone has the whole width', async t => {
  const shares = createShares()

  begin(shares, '1', 8, 1000)

  t.equal(shares.hasRoom('1', 8, 1000), true)
})

test('while another sends, a quarter of the width is kept from each', async t => {
  const shares = createShares()
  shares.began('7', 1000)
  begin(shares, '1', 5, 1000)
  t.equal(shares.hasRoom('1', 8, 1000), true)

  shares.began('1', 1000)

  t.equal(shares.hasRoom('1', 8, 1000), false)
  t.equal(shares.hasRoom('7', 8, 1000), true)
  shares.ended('1', 1001)
  t.equal(shares.hasRoom('1', 8, 1001), true)
})

test('a project that has not sent for ten seconds keeps no room from others', async t => {
  const shares = createShares()
  shares.began('7', 1000)
  begin(shares, '1', 8, 1000)

  t.equal(shares.hasRoom('1', 8, 10_999), false)
  t.equal(shares.hasRoom('1', 8, 11_000), true)
})

test('a width of one is everyone\'s', async t => {
  const shares = createShares()
  shares.began('7', 1000)

  t.equal(shares.hasRoom('1', 1, 1000), true)
})

test('a project is silent when nothing of it has ended for half a second', async t => {
  const shares = createShares()
  t.equal(shares.isSilent('1', 1000), false)
  begin(shares, '1', 2, 1000)

  t.equal(shares.isSilent('1', 1499), false)
  t.equal(shares.isSilent('1', 1500), true)
  shares.ended('1', 1500)
  t.equal(shares.isSilent('1', 1999), false)
  shares.ended('1', 2000)
  t.equal(shares.isSilent('1', 9000), false, 'nothing is under way')
})

test('an idle time before the first attempt is no silence', async t => {
  const shares = createShares()
  shares.began('1', 1000)
  shares.ended('1', 1001)

  shares.began('1', 60_000)

  t.equal(shares.isSilent('1', 60_001), false)
})

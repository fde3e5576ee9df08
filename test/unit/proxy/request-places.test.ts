import { test } from 'tap'
import { RequestPlaces } from '../../../src/proxy/request-places.ts'

test('one upstream takes three quarters of the places at most, and the others have the rest', async t => {
  const places = new RequestPlaces(() => 100)

  t.equal(Array.from({ length: 200 }, () => places.take('relay', 3)).filter(Boolean).length, 75)
  t.equal(Array.from({ length: 200 }, () => places.take('web', 3)).filter(Boolean).length, 25)
  places.give('relay')
  t.equal(places.take('web', 3), true)
  t.equal(places.take('relay', 3), false, 'all are taken')
})

test('a single upstream may have every place, and each that is given back', async t => {
  const places = new RequestPlaces(() => 10)

  t.equal(Array.from({ length: 20 }, () => places.take('relay', 1)).filter(Boolean).length, 10)
  for (let i = 0; i < 10; i++) places.give('relay')
  t.equal(Array.from({ length: 20 }, () => places.take('relay', 1)).filter(Boolean).length, 10)
})

test('with very few places every upstream has one', async t => {
  const places = new RequestPlaces(() => 2)

  t.equal(places.take('relay', 2), true)
  t.equal(places.take('relay', 2), false)
  t.equal(places.take('web', 2), true)
})

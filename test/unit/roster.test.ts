import * as fc from 'fast-check'
import { test } from 'tap'
import { Roster, type Seat } from '../../src/roster.ts'

test('a roster holds whom a Set would hold, whoever came and went', t => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 200 }), steps => {
    const roster = new Roster<number>()
    const seats = new Map<number, Seat<number>>()
    for (const member of steps) {
      const seat = seats.get(member)
      if (seat === undefined) seats.set(member, roster.add(member))
      else {
        roster.remove(seat)
        seats.delete(member)
      }
    }
    t.strictSame([...roster].sort((a, b) => a - b), [...seats.keys()].sort((a, b) => a - b))
    t.equal(roster.size, seats.size)
  }), { numRuns: 200 })
  t.end()
})

test('whoever is met may leave at once, and everybody is met', t => {
  const roster = new Roster<string>()
  const seats = new Map(['a', 'b', 'c', 'd'].map(member => [member, roster.add(member)]))
  const met: string[] = []

  for (const member of roster) {
    met.push(member)
    roster.remove(seats.get(member) as Seat<string>)
  }

  t.strictSame(met.sort(), ['a', 'b', 'c', 'd'])
  t.equal(roster.size, 0)
  t.throws(() => roster.at(0), RangeError)
  t.end()
})

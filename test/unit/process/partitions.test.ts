import { test } from 'tap'
import { Partitions } from '../../../src/process/partitions.ts'

test('each process appends to a partition of its own, none that holds copies of an earlier run', async t => {
  const partitions = new Partitions<string>([1, 4])

  t.equal(partitions.assign('a'), 2)
  t.equal(partitions.assign('b'), 3)
  t.equal(partitions.assign('c'), 5)
})

test('what is found later is taken over like what was there, and what is known stays with its owner', async t => {
  const partitions = new Partitions<string>([])
  partitions.assign('a')

  partitions.found([1, 5])

  t.strictSame([...partitions.shareOut(['b'])], [['b', [5]]])
})

test('what earlier runs left is shared out among the living, each partition to one', async t => {
  const partitions = new Partitions<string>([7, 8, 9])

  const shares = partitions.shareOut(['a', 'b'])

  t.strictSame([...shares], [['a', [7, 9]], ['b', [8]]])
  t.equal(partitions.shareOut(['a', 'b']).size, 0, 'nothing is handed out twice')
})

test('a process that dies leaves all it had to the others, also what it had taken over', async t => {
  const partitions = new Partitions<string>([9])
  partitions.assign('a')
  partitions.assign('b')
  partitions.shareOut(['a'])

  partitions.abandon('a')

  t.strictSame([...partitions.shareOut(['b'])], [['b', [9, 1]]])
})

test('with nobody alive it waits for the next', async t => {
  const partitions = new Partitions<string>([])
  partitions.assign('a')
  partitions.abandon('a')

  t.equal(partitions.shareOut([]).size, 0)
  t.strictSame([...partitions.shareOut(['b'])], [['b', [1]]])
})

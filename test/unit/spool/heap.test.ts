import * as fc from 'fast-check'
import { test } from 'tap'
import { createHeap, type HeapMember } from '../../../src/spool/heap.ts'

interface Member extends HeapMember { readonly value: number }

test('the least member comes out first, whatever was put in and taken out of the middle', async t => {
  const step = fc.oneof(fc.record({ push: fc.integer({ min: 0, max: 1000 }) }), fc.record({ remove: fc.nat() }))

  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
    const heap = createHeap<Member>((a, b) => a.value < b.value)
    const members: Member[] = []
    for (const step of steps) {
      if ('push' in step) {
        const member = { value: step.push, heapIndex: -1 }
        members.push(member)
        heap.push(member)
      } else if (members.length > 0) {
        heap.remove(members.splice(step.remove % members.length, 1)[0] as Member)
      }
      if (heap.size !== members.length) return false
      if (heap.peek()?.value !== (members.length === 0 ? undefined : Math.min(...members.map(member => member.value)))) return false
    }
    return true
  }), { numRuns: 500 })
  t.pass('500 sequences')
})

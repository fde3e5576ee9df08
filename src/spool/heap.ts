/**
 * A binary heap whose members know their place, so that one can be taken out of
 * the middle: a copy that is dropped leaves nothing behind.
 */
export interface HeapMember {
  /** Index in the heap it is in; -1 in none. Kept by the heap. */
  heapIndex: number
}

export interface Heap<T extends HeapMember> {
  readonly size: number
  /** The least member, or `undefined`. */
  peek (): T | undefined
  push (member: T): void
  /** @param member - Is in this heap. */
  remove (member: T): void
}

/** @param before - Whether `a` comes out before `b`; a strict order. */
export function createHeap<T extends HeapMember> (before: (a: T, b: T) => boolean): Heap<T> {
  const members: T[] = []

  function place (member: T, index: number): void {
    members[index] = member
    member.heapIndex = index
  }

  function rise (member: T, from: number): void {
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = members[parentIndex] as T
      if (!before(member, parent)) break
      place(parent, index)
      index = parentIndex
    }
    place(member, index)
  }

  function sink (member: T, from: number): void {
    let index = from
    for (;;) {
      let childIndex = index * 2 + 1
      let child = members[childIndex]
      if (child === undefined) break
      const right = members[childIndex + 1]
      if (right !== undefined && before(right, child)) {
        child = right
        childIndex++
      }
      if (!before(child, member)) break
      place(child, index)
      index = childIndex
    }
    place(member, index)
  }

  return {
    get size () { return members.length },
    peek: () => members[0],
    push (member) {
      rise(member, members.length)
    },
    remove (member) {
      const index = member.heapIndex
      const last = members.pop() as T
      member.heapIndex = -1
      if (last === member) return
      sink(last, index)
      if (last.heapIndex === index) rise(last, index)
    }
  }
}

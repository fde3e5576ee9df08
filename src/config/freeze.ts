/**
 * Freezes a value and all it holds, so that no part of the program can change the
 * configuration another part reads. A Map refuses changes from then on; a URL is left
 * as it is, because its setters cannot be taken away.
 */
export function freeze<T> (value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof URL || Object.isFrozen(value)) return value
  if (value instanceof Map) {
    for (const entry of value.values()) freeze(entry)
    Object.assign(value, { set: refuse, delete: refuse, clear: refuse })
  } else {
    for (const key of Reflect.ownKeys(value)) freeze(Reflect.get(value, key))
  }
  return Object.freeze(value)
}

function refuse (): never {
  throw new TypeError('The configuration cannot be changed.')
}

/**
 * Makes an element look like another without replacing what is the same: focus,
 * selection and what a person has opened stay.
 */

/** Whatever bears it is somebody else's: left as it is. */
const KEPT = 'data-kept'
/** Elements with the same key are the same, wherever they move. */
const KEY = 'data-key'

export function morph (from: Element, to: Element): void {
  syncAttributes(from, to)
  if (from.hasAttribute(KEPT)) return
  syncChildren(from, to)
}

function syncAttributes (from: Element, to: Element): void {
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value)
  }
  for (const name of from.getAttributeNames()) {
    // A person opened it.
    if (!to.hasAttribute(name) && name !== 'open') from.removeAttribute(name)
  }
}

function syncChildren (from: Element, to: Element): void {
  let at = from.firstChild
  for (const wanted of Array.from(to.childNodes)) {
    const same = findSame(at, wanted)
    if (same === null) {
      from.insertBefore(wanted, at)
      continue
    }
    if (same === at) at = at.nextSibling
    else from.insertBefore(same, at)
    if (isElement(same) && isElement(wanted)) morph(same, wanted)
    else if (same.nodeValue !== wanted.nodeValue) same.nodeValue = wanted.nodeValue
  }
  while (at !== null) {
    const next = at.nextSibling
    at.remove()
    at = next
  }
}

/** With a key anywhere from `at` on; without one only `at` itself, when it is of the same kind. */
function findSame (at: ChildNode | null, wanted: ChildNode): ChildNode | null {
  const key = keyOf(wanted)
  for (let node = at; node !== null; node = node.nextSibling) {
    if (node.nodeName === wanted.nodeName && keyOf(node) === key) return node
    if (key === null) return null
  }
  return null
}

function keyOf (node: Node): string | null {
  return isElement(node) ? node.getAttribute(KEY) : null
}

function isElement (node: Node): node is Element {
  return node.nodeType === Node.ELEMENT_NODE
}

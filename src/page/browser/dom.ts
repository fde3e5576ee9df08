/** Elements of the page that must be there, and markup put into them. */
import { markupOf, type Html } from '../view/html.ts'
import { morph } from './morph.ts'

/** @throws When the page has none: page and scripts are of different versions. */
export function byId (id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`The page has no #${id}.`)
  return element
}

/** @throws As `byId`. */
export function dialogById (id: string): HTMLDialogElement {
  const element = byId(id)
  if (element instanceof HTMLDialogElement) return element
  throw new Error(`#${id} is no dialog.`)
}

/** Makes the element look like the only one of `piece`. */
export function update (element: Element, piece: Html): void {
  const wanted = parse(piece).firstElementChild
  if (wanted === null) return
  const hadFocus = element.contains(document.activeElement)
  morph(element, wanted)
  // What had it is gone: the title of its section is where a keyboard goes on.
  if (hadFocus && !element.contains(document.activeElement)) element.querySelector<HTMLElement>('h2[tabindex]')?.focus()
}

/** Makes the content of the element look like `piece`. */
export function updateContent (element: Element, piece: Html): void {
  const wanted = element.cloneNode(false) as Element
  wanted.append(parse(piece))
  morph(element, wanted)
}

function parse (piece: Html): DocumentFragment {
  const template = document.createElement('template')
  template.innerHTML = markupOf(piece).trim()
  return template.content
}

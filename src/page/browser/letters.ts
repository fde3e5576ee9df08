/** Dead letters in dialogs: a look inside, and the way back, asked for twice. */
import type { DeadLetterDetails, DeadLetterView } from '../../admin/dead-letter-view.ts'
import { renderLetter, renderLetterList } from '../view/dead-letters.ts'
import { html } from '../view/html.ts'
import { plural } from '../../status/words.ts'
import type { Clock } from '../view/words.ts'
import { ApiError } from './api.ts'
import { byId, dialogById, updateContent } from './dom.ts'

export interface LettersOptions {
  readonly ask: <Answer> (path: string, body?: object) => Promise<Answer>
  readonly clock: () => Clock
  readonly announce: (words: string) => void
}

/** Which of them a button means; neither is every one. */
interface Selection {
  readonly project?: string
  readonly reason?: string
}

const SHOWN = 25

export function handleLetters ({ ask, clock, announce }: LettersOptions): void {
  const confirm = dialogById('confirm')
  const letters = dialogById('letters')
  const yes = byId('confirm-yes') as HTMLButtonElement
  let chosen: Selection = {}

  document.addEventListener('click', event => {
    const origin = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-action]') : null
    if (origin === null) return
    const { action, count } = origin.dataset
    if (action === 'look') {
      event.preventDefault()
      void look(selectionOf(origin))
    } else if (action === 'replay') {
      askWhether(selectionOf(origin), Number(count))
    } else {
      origin.closest('dialog')?.close()
    }
  })

  yes.addEventListener('click', () => { void replay() })
  letters.addEventListener('toggle', event => {
    if (event.target instanceof HTMLDetailsElement && event.target.open) void lookInside(event.target)
  }, { capture: true })
  // The row it was opened from may be gone: the focus goes to where it was, not to the top of the page.
  for (const dialog of [confirm, letters]) {
    dialog.addEventListener('close', () => {
      if (document.activeElement === document.body) byId('dead-letters-title').focus()
    })
  }

  async function look (selection: Selection): Promise<void> {
    const body = byId('letters-body')
    byId('letters-title').textContent = `Dead letters: ${wordsOf(selection)}`
    updateContent(body, html`<p class="muted">Reading…</p>`)
    letters.showModal()
    try {
      const page = await ask<{ dead_letters: readonly DeadLetterView[], next: string | null }>(
        `/dead-letters?${String(new URLSearchParams({ ...selection, limit: String(SHOWN) }))}`)
      body.replaceChildren()
      updateContent(body, renderLetterList(page.dead_letters, page.next !== null, clock()))
    } catch (error) {
      updateContent(body, html`<p class="fault">${sentenceOf(error)}</p>`)
    }
  }

  async function lookInside (letter: HTMLDetailsElement): Promise<void> {
    const inside = letter.querySelector('[data-inside]')
    const id = letter.dataset['letter']
    if (inside === null || id === undefined) return
    try {
      updateContent(inside, renderLetter(await ask<DeadLetterDetails>(`/dead-letters/${id}`), clock()))
    } catch (error) {
      updateContent(inside, html`<p class="fault">${sentenceOf(error)}</p>`)
    }
  }

  function askWhether (selection: Selection, count: number): void {
    chosen = selection
    byId('confirm-words').textContent = `${plural(count, 'copy', 'copies')} (${wordsOf(selection)}) will be sent to the endpoint again. What it refused, it will refuse again unless the cause is gone.`
    byId('confirm-fault').hidden = true
    yes.disabled = false
    confirm.showModal()
    yes.focus()
  }

  async function replay (): Promise<void> {
    const selection = chosen
    yes.disabled = true
    try {
      const { replayed } = await ask<{ replayed: number }>('/dead-letters/replay', Object.keys(selection).length === 0 ? { all: true } : selection)
      announce(`${plural(replayed, 'copy', 'copies')} replayed.`)
      confirm.close()
    } catch (error) {
      const fault = byId('confirm-fault')
      fault.hidden = false
      fault.textContent = sentenceOf(error)
    } finally {
      yes.disabled = false
    }
  }
}

function selectionOf ({ dataset }: HTMLElement): Selection {
  const { project, reason } = dataset
  return { ...project !== undefined && { project }, ...reason !== undefined && { reason } }
}

function wordsOf ({ project, reason }: Selection): string {
  return project === undefined ? 'all' : `project ${project}, reason ${reason ?? 'any'}`
}

function sentenceOf (error: unknown): string {
  return error instanceof ApiError ? error.message : String(error)
}

/** Keeps the page as the router sent it up to date, and lets a person act on it. */
import type { Report } from '../../report/report.ts'
import type { History, HistoryWindow, Status } from '../../status/status.ts'
import { answerOf } from '../view/answer.ts'
import { renderHistoryTable } from '../view/history-table.ts'
import { SECTIONS } from '../view/sections.ts'
import type { Clock } from '../view/words.ts'
import { ask } from './api.ts'
import { byId, update, updateContent } from './dom.ts'
import { handleLetters } from './letters.ts'
import { startLive } from './live.ts'
import { createPlots } from './plots.ts'
import { askForToken } from './token.ts'

const HISTORY_EVERY_MS = 5000
const REPORT_EVERY_MS = 5000

document.documentElement.dataset['scripts'] = 'on'

const plots = createPlots()
let status: Status | null = null
/** `undefined`: not read yet; what the router sent stays. */
let report: Report | null | undefined
let shownWindow: HistoryWindow = '1h'
/** The state that was last read aloud, or found at the start. */
let lastHeard: string | null = null

const clock = (): Clock => ({ now: status?.at ?? Date.now() })

function show (): void {
  if (status === null) return
  const state = { status, report: report ?? null, history: null, clock: clock() }
  for (const [id, render] of Object.entries(SECTIONS)) {
    if (id !== 'completeness' || report !== undefined) update(byId(id), render(state))
  }
}

function announce (words: string): void {
  byId('announcement').textContent = words
}

function onStatus (next: Status): void {
  status = next
  show()
  // Numbers change every second: only a change of state is read aloud.
  const { verdict, words } = answerOf(next, clock())
  const heard = `${next.headline.level} ${verdict} ${next.mirror?.endpoint.state ?? ''}`
  if (lastHeard !== null && lastHeard !== heard) announce(`${verdict} ${words} ${next.findings[0]?.words ?? ''}`)
  lastHeard = heard
  document.title = `${next.headline.level === 'ok' ? '' : '(!) '}mirror-router`
  if (next.version !== document.body.dataset['version']) location.reload()
}

function setLink (link: 'live' | 'lost', words: string): void {
  const state = byId('link-state')
  state.dataset['link'] = link
  state.textContent = words
}

async function readHistory (): Promise<void> {
  const asked = shownWindow
  const history = await ask<History>(`/history.json?window=${asked}`, askForToken)
  if (asked !== shownWindow) return
  plots.show(history)
  updateContent(byId('history-table'), renderHistoryTable(history, clock()))
}

async function readReport (): Promise<void> {
  report = await ask<Report | null>('/completeness.json', askForToken)
  show()
}

/** Again and again; what fails is tried again, and the line's state says why. */
async function keepReading (read: () => Promise<void>, everyMs: number): Promise<void> {
  for (;;) {
    if (!document.hidden) await read().catch(() => {})
    await new Promise(resolve => { setTimeout(resolve, everyMs) })
  }
}

for (const button of document.querySelectorAll<HTMLElement>('[data-window]')) {
  button.addEventListener('click', () => {
    shownWindow = button.dataset['window'] as HistoryWindow
    for (const other of document.querySelectorAll('[data-window]')) other.setAttribute('aria-pressed', String(other === button))
    readHistory().catch(() => {})
  })
}

handleLetters({ ask: (path, body) => ask(path, askForToken, body), clock, announce })
startLive({
  onStatus: next => {
    setLink('live', 'live')
    onStatus(next)
  },
  onLost: since => {
    setLink('lost', 'connection lost')
    byId('lost').hidden = false
    byId('lost-words').textContent = `The connection to the router was lost at ${since.toLocaleTimeString('en-GB')}. The numbers are from before; trying again every second.`
  },
  onBack: () => {
    byId('lost').hidden = true
    announce('The connection to the router is back.')
  }
})
void keepReading(readHistory, HISTORY_EVERY_MS)
void keepReading(readReport, REPORT_EVERY_MS)

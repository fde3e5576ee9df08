import { test } from 'tap'
import { loadAssets } from '../../../src/page/assets.ts'
import { renderDocument } from '../../../src/page/document.ts'
import { AT, DOWN, HISTORY, OFF, REPORT, STATUS } from '../../fixtures/status.ts'

const CLOCK = { now: AT }

test('the page says what the status says, in every state', async t => {
  const well = renderDocument({ status: STATUS, history: HISTORY, report: REPORT, clock: CLOCK }, '/assets/x')
  t.match(well, '1,612,843 delivered')
  t.match(well, '18 of 32,018 missing: 18 dead (400)')
  t.match(renderDocument({ status: DOWN, history: HISTORY, report: REPORT, clock: CLOCK }, '/assets/x'), /connection refused; 1,204 copies waiting, oldest 6\u00a0min; next attempt in 12\u00a0s/)
  t.match(renderDocument({ status: OFF, history: null, report: null, clock: CLOCK }, '/assets/x'), 'Nothing is mirrored')
})

test('nothing is inline that the policy forbids', async t => {
  const page = renderDocument({ status: STATUS, history: HISTORY, report: REPORT, clock: CLOCK }, '/assets/x')

  t.notMatch(page, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)/)
})

test('what clients, files and the endpoint say is text', async t => {
  const evil = '<img src=x onerror=alert(1)>'
  const status = {
    ...STATUS,
    headline: { level: 'trouble', words: evil },
    findings: [{ level: 'trouble', words: evil, advice: evil }],
    deadLetters: [{ project: evil, reason: evil, count: 1 }],
    config: { ...STATUS.config, file: evil, lastReload: { at: AT, result: 'failure', message: evil }, routes: [{ location: evil, target: evil, mirror: true }] }
  } as const

  t.notMatch(renderDocument({ status, history: HISTORY, report: REPORT, clock: CLOCK }, '/assets/x'), '<img')
})

test('every module that a module of the page imports is served, and has no types left', async t => {
  const { base, files } = await loadAssets()
  const paths = [...files.keys()]
  t.ok(paths.includes('page/browser/main.ts'))
  t.match(base, /^\/assets\/[0-9a-f]{16}$/)

  for (const [path, { type, body }] of files) {
    if (!path.endsWith('.ts')) continue
    t.equal(type, 'text/javascript; charset=utf-8')
    for (const [, specifier = ''] of body.toString().matchAll(/^import .*from '([^']+)'/gm)) {
      const wanted = new URL(specifier, `http://router/${path}`).pathname.slice(1)
      t.ok(paths.includes(wanted), `${path} imports ${specifier}`)
    }
  }
})

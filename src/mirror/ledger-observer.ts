/**
 * The ledger's view of the way of a request: received, answered, skipped. What becomes
 * of a copy is counted by the spool, in the transaction that makes it so.
 *
 * `received` counts complete requests on mirrored routes, when the mirror is offered
 * them; `answered_ok` and `answered_other` count their answers. Of the answers in 2xx
 * those to requests that were never copied are told apart by reason: that is what the
 * upstream took and the endpoint was not meant to get.
 */
import type { Settled } from '../proxy/ports.ts'
import type { Ledger } from '../spool/ledger.ts'
import { decideCopy, type CopyRules } from './keep.ts'
import type { MirrorObserver } from './observer.ts'

export interface LedgerObserver extends Pick<MirrorObserver, 'accepted' | 'skipped'> {
  settled (request: Settled): void
}

export function createLedgerObserver (rules: CopyRules, ledger: Pick<Ledger, 'add'>): LedgerObserver {
  return {
    accepted (project) { ledger.add(project, 'received') },

    skipped (project, reason) {
      ledger.add(project, 'received')
      ledger.add(project, 'skipped', 1, 0, reason)
    },

    settled ({ head, mirrorPath, status }) {
      if (head === null || mirrorPath === null) return
      // Decided again rather than carried along: the proxy knows no projects.
      const decision = decideCopy(rules, head.method, mirrorPath)
      if (status < 200 || status > 299) ledger.add(decision.project, 'answered_other', 1, 0, String(status))
      else ledger.add(decision.project, 'answered_ok', 1, 0, decision.kind === 'skip' ? decision.reason : '')
    }
  }
}

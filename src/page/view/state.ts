/** All that the page is made of, at one moment. */
import type { Report } from '../../report/report.ts'
import type { History, Status } from '../../status/status.ts'
import type { Clock } from './words.ts'

export interface PageState {
  readonly status: Status
  /** `null`: not read yet, or nothing is kept. */
  readonly history: History | null
  /** Of the last 24 hours. `null`: nothing is mirrored, or it cannot be read. */
  readonly report: Report | null
  readonly clock: Clock
}

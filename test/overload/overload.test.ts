/**
 * The attacks in moderate sizes: what they may take of the machine, and that ordinary
 * clients are served on. Large ones are run by hand: run.ts.
 */
import t, { test } from 'tap'
import { attacksOf, MODERATE } from './attacks.ts'
import { under, type Figures } from './site.ts'

/** Until V8 collects anything, a process may grow by 170 MiB; a bound that is missing takes more. */
const MOST_GROWTH_MIB = 250

t.setTimeout(110_000)
// They wait more than they work.
t.jobs = 2

for (const attack of attacksOf(MODERATE).filter(({ byHand }) => byHand !== true)) {
  test(attack.name, { timeout: 60_000, buffered: true }, async t => {
    const figures = await under(attack, 300)

    t.comment(`${figures.outcome}; ${JSON.stringify({ ...figures, log: undefined })}`)
    t.ok(figures.peak.rssMiB - figures.before.rssMiB < MOST_GROWTH_MIB, `memory grew from ${figures.before.rssMiB} to ${figures.peak.rssMiB} MiB`)
    t.ok(figures.ordinary.served > 20, `${figures.ordinary.served} ordinary requests were served`)
    t.match(figures.outcome, attack.expected)
    const failed = failures(figures)
    if (attack.mayRefuse) t.strictSame(failed.filter(fault => fault !== '503' && fault !== 'ECONNRESET'), [], 'nothing but refusals')
    else t.strictSame(failed, [], 'no ordinary request failed')
    t.equal(figures.log.filter(line => line.includes('Clients are refused')).length <= 1, true, 'one line in the log at most')
  })
}

function failures ({ ordinary }: Figures): string[] {
  return Object.keys(ordinary.failed)
}

/**
 * The attacks in their large sizes, one after another, and what they did, as the table
 * of docs/reliability.md. By hand; some ten minutes. `node test/overload/run.ts idle`
 * runs those with `idle` in their name, `--moderate` in the sizes of the tests.
 */
import { attacksOf, LARGE, MODERATE } from './attacks.ts'
import { under, type Figures } from './site.ts'

/** Long enough for what is asked often to be compiled. */
const WARM_UP_MS = 5_000

const words = process.argv.slice(2)
const sizes = words.includes('--moderate') ? MODERATE : LARGE
const wanted = words.filter(word => !word.startsWith('--'))
const print = (line: string): void => { process.stdout.write(`${line}\n`) }

print('| attack | memory, MiB: before, peak, after | descriptors | ordinary answers, failed | p50, p99, longest | the attackers |')
print('|---|---|---|---|---|---|')
for (const attack of attacksOf(sizes)) {
  if (wanted.length > 0 && !wanted.some(word => attack.name.includes(word))) continue
  const figures = await under(attack, WARM_UP_MS)
  print(row(figures))
  if (words.includes('--log')) for (const line of figures.log) print(line)
}

function row ({ name, before, peak, after, ordinary, outcome }: Figures): string {
  const failures = Object.entries(ordinary.failed).map(([fault, count]) => `${count} × ${fault}`).join(', ')
  return `| ${[
    name,
    [before, peak, after].map(({ rssMiB }) => rssMiB).join(' '),
    [before, peak, after].map(({ descriptors }) => descriptors).join(' '),
    `${ordinary.served}, ${failures === '' ? 'none' : failures}`,
    `${[ordinary.p50, ordinary.p99, ordinary.max].map(ms => ms.toFixed(1)).join(' ')} ms`,
    outcome
  ].join(' | ')} |`
}

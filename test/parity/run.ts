/**
 * The suite by hand:
 *
 *   node test/parity/run.ts --only '^mirror-' --verbose
 *   node test/parity/run.ts --subject nginx --group map
 *   node test/parity/run.ts --command 'node bench/alternatives/plain-http.ts'
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadCases } from './cases.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { commandSubject, missingNginx, NGINX, ROUTER, type Subject } from './subjects.ts'
import { runSuite, type CaseResult } from './suite.ts'

const HELP = `usage: node test/parity/run.ts [options]
  --subject router|nginx   what is compared with nginx (default: router)
  --command COMMAND        a shell command instead; PARITY_PORTS and NGINX_CONF tell it the run
  --only REGEX             cases whose id matches
  --group A,B              cases of these groups
  --tier core|edge         cases of this tier
  --list                   show the chosen cases and stop
  --verbose                one line per case, and what was seen in those that fail
  --soft                   show the differences that are allowed
  --report FILE            everything that was observed, as JSON
  --keep                   keep the rendered files and the logs
`
const SHOWN_DIFFERENCES = 12

const { values: options } = parseArgs({
  options: {
    subject: { type: 'string', default: 'router' },
    command: { type: 'string' },
    only: { type: 'string' },
    group: { type: 'string' },
    tier: { type: 'string' },
    report: { type: 'string' },
    list: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    soft: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

process.exitCode = await main()

async function main (): Promise<number> {
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }

  const cases = loadCases({
    ...(options.only === undefined ? {} : { only: new RegExp(options.only) }),
    ...(options.group === undefined ? {} : { groups: options.group.split(',') }),
    ...(options.tier === undefined ? {} : { tier: options.tier })
  })
  if (options.list) {
    for (const { id, tier, profile, desc } of cases) console.log(`${id}  [${tier}, ${profile}]  ${desc}`)
    console.log(`${cases.length} cases`)
    return 0
  }

  const missing = await missingNginx()
  if (missing !== null) {
    console.error(missing)
    return 2
  }
  const results = await runSuite({
    cases,
    subject: chosenSubject(),
    onResult: print,
    ...(options.keep ? { onKeep: folder => console.log(`kept: ${folder}`) } : {})
  })
  if (options.report !== undefined) writeFileSync(options.report, JSON.stringify(results, null, 1))
  return summarise(results)
}

function chosenSubject (): Subject {
  if (options.command !== undefined) return commandSubject(options.command)
  if (options.subject === 'nginx') return NGINX
  if (options.subject === 'router') return ROUTER
  throw new Error(`--subject ${options.subject}: router or nginx; for anything else use --command`)
}

function print (result: CaseResult): void {
  const { id, tier, desc } = result.parityCase
  for (const fault of result.nginxFaults) console.log(`NGINX? ${id}: ${fault}`)
  if (result.differences.length > 0) {
    console.log(`FAIL ${id} [${tier}] ${desc}${EXCEPTIONS[id] === undefined ? '' : ` (on purpose: ${EXCEPTIONS[id]})`}`)
    for (const difference of result.differences.slice(0, SHOWN_DIFFERENCES)) console.log(`     ${difference}`)
    if (options.verbose) console.log(`     nginx:   ${JSON.stringify(result.nginx)}\n     subject: ${JSON.stringify(result.subject)}`)
  } else if (options.verbose) {
    console.log(`ok   ${id} [${tier}] ${desc}`)
  }
  if (options.soft) for (const remark of result.remarks) console.log(`     allowed: ${remark}`)
}

function summarise (results: readonly CaseResult[]): number {
  for (const tier of ['core', 'edge']) {
    const ofTier = results.filter(result => result.parityCase.tier === tier)
    const failed = ofTier.filter(result => result.differences.length > 0).length
    console.log(`${tier}: ${ofTier.length - failed} as nginx, ${failed} not, of ${ofTier.length}`)
  }
  const unexpected = results.filter(({ parityCase, differences, nginxFaults }) =>
    nginxFaults.length > 0 || (differences.length > 0) !== (EXCEPTIONS[parityCase.id] !== undefined))
  return unexpected.length === 0 ? 0 : 1
}

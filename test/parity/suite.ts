/**
 * The parity suite: profile by profile, nginx gets the bytes of every case,
 * then the subject gets the same bytes on the same ports, and what clients and
 * backends saw is compared.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { faultsOfNginx, judge, type Verdict } from './compare.ts'
import { makeJsSdkRoot } from './js-sdk-root.ts'
import { renderNginxConf } from './nginx-conf.ts'
import { Bench } from './observe.ts'
import { freePorts, type Ports } from './ports.ts'
import { PROFILES } from './profiles.ts'
import { launch, NGINX, type Running, type Setup, type Subject } from './subjects.ts'
import type { Observation, ParityCase } from './types.ts'

/**
 * The endpoint fails in these, and the router's next attempt can fall within
 * the moments in which the case settles (about 1 in 20). They get a second run.
 */
const RETRY_MAY_SHOW = new Set(['mirror-rum-429', 'mirror-rum-502', 'mirror-rum-503', 'mirror-rum-garbage', 'mirror-rum-close'])

export interface CaseResult extends Verdict {
  readonly parityCase: ParityCase
  /** Where this nginx does not behave as the case says nginx does; the verdict is worth nothing then. */
  readonly nginxFaults: readonly string[]
  readonly nginx: Observation
  readonly subject: Observation
}

export interface SuiteOptions {
  readonly cases: readonly ParityCase[]
  readonly subject: Subject
  readonly onResult?: (result: CaseResult) => void
  /** Keep the folder of the run: rendered files and logs. Its path is passed. */
  readonly onKeep?: (folder: string) => void
}

interface Run {
  readonly bench: Bench
  readonly ports: Ports
  readonly folder: string
  readonly options: SuiteOptions
}

/** @returns one result per case, in the order they ran */
export async function runSuite (options: SuiteOptions): Promise<CaseResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'parity-'))
  chmodSync(folder, 0o755)
  const ports = await freePorts()
  const bench = new Bench(ports)
  try {
    makeJsSdkRoot(makeFolder(folder, 'www'))
    const results: CaseResult[] = []
    for (const profile of Object.keys(PROFILES)) {
      const cases = options.cases.filter(parityCase => parityCase.profile === profile)
      if (cases.length > 0) results.push(...await runProfile({ bench, ports, folder, options }, profile, cases))
    }
    return results
  } finally {
    await bench.close()
    if (options.onKeep === undefined) rmSync(folder, { recursive: true, force: true })
    else options.onKeep(folder)
  }
}

async function runProfile (run: Run, profile: string, cases: readonly ParityCase[]): Promise<CaseResult[]> {
  const nginx = await observeNginx(run, setUp(run, profile, 'nginx'), cases)

  const setup = setUp(run, profile, 'subject')
  const results: CaseResult[] = []
  let running = await launch(run.options.subject, setup)
  try {
    for (const [index, parityCase] of cases.entries()) {
      const oracle = nginx[index]
      if (oracle === undefined) throw new Error(`${parityCase.id}: nginx was not observed`)
      let result = await runCase(run, running, parityCase, oracle)
      if (result.differences.length > 0 && RETRY_MAY_SHOW.has(parityCase.id)) result = await runCase(run, running, parityCase, oracle)
      results.push(result)
      run.options.onResult?.(result)
      if (running.hasExited()) running = await launch(run.options.subject, setup)
    }
  } finally {
    await running.stop()
  }
  return results
}

async function observeNginx (run: Run, setup: Setup, cases: readonly ParityCase[]): Promise<Observation[]> {
  const running = await launch(NGINX, setup)
  try {
    const observations: Observation[] = []
    for (const parityCase of cases) {
      const observation = await run.bench.observe(parityCase, null)
      // A loaded machine can upset the times a case measures; nginx gets a second chance.
      observations.push(faultsOfNginx(parityCase, observation).length === 0 ? observation : await run.bench.observe(parityCase, null))
    }
    return observations
  } finally {
    await running.stop()
  }
}

async function runCase (run: Run, running: Running, parityCase: ParityCase, nginx: Observation): Promise<CaseResult> {
  const observation = await run.bench.observe(parityCase, nginx)
  const subject = running.hasExited() ? { ...observation, crashed: true } : observation
  const { p80, p81 } = run.ports
  const verdict = judge(parityCase, nginx, subject, { [p80]: 'P80', [p81]: 'P81' }, run.options.subject.isNginx)
  return { ...verdict, parityCase, nginxFaults: faultsOfNginx(parityCase, nginx), nginx, subject }
}

function setUp ({ folder, ports }: Run, profile: string, who: string): Setup {
  const spec = PROFILES[profile]
  if (spec === undefined) throw new Error(`unknown profile ${profile}`)
  const own = makeFolder(folder, `${who}-${profile}`)
  const nginxConf = join(own, 'nginx.conf')
  writeFileSync(nginxConf, renderNginxConf(spec, ports, { folder: own, root: join(folder, 'www') }))
  return { profile, nginxConf, folder: own, ports }
}

function makeFolder (parent: string, name: string): string {
  const folder = join(parent, name)
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  return folder
}

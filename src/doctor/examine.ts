/**
 * The doctor's rounds: every check of the chain, all at once, told in the order of the
 * chain. What a check needs and has not got, it skips.
 */
import { statSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { loadConfigFile } from '../config/config-file.ts'
import type { Environment } from '../config/environment.ts'
import { judgeConfiguration } from './configuration.ts'
import { examineEndpoint } from './endpoint.ts'
import { readEnvFile, type EnvFile } from './env-file.ts'
import { judgeEnvFile } from './env-rules.ts'
import { fault, skipped, warning, type Finding } from './finding.ts'
import { examinePorts } from './ports.ts'
import { findRunning, judgeRunning } from './running.ts'
import { adviseOnIssues, examineListeners, examineSnuba } from './second-sentry.ts'
import { examineSls, type SlsAccess } from './sls.ts'
import { examineSpool } from './spool.ts'
import { examineUpstreams } from './upstreams.ts'

export interface Patient {
  /** The configuration; absolute. */
  readonly file: string
  /** What a person would call a file. */
  readonly nameOf: (file: string) => string
  /** Fills the configuration, before what `.env` says. */
  readonly env: Environment
  /** `null`: there is none to look at. */
  readonly envFile: EnvSource | null
}

export interface EnvSource {
  readonly name: string
  /** `null`: it came from elsewhere than a file. */
  readonly path: string | null
  /** @throws What the file system says. */
  readonly read: () => Promise<string>
}

export async function examine ({ file, nameOf, env, envFile }: Patient): Promise<Finding[]> {
  const read = envFile === null ? null : await readEnv(envFile)
  const variables = read === null || typeof read === 'string' ? null : read
  const loaded = await loadConfigFile(file, { ...environmentOf(variables), ...env })
  const environment = envFindings(envFile, read)
  const isSlsRight = !environment.some(({ check, state }) => check.startsWith('SLS_') && state !== 'ok' && state !== 'warning')
  const [chain, sls] = await Promise.all([
    loaded.config === undefined ? [] : examineChain(loaded.config),
    variables === null || !isSlsRight ? [] : examineSls(slsAccess(variables), Date.now())
  ])
  return [
    ...judgeConfiguration(loaded, nameOf),
    ...chain,
    ...environment,
    ...sls,
    ...loaded.config === undefined ? [skipped('everything else', 'needs a configuration that is right')] : adviseOnIssues(loaded.config)
  ]
}

async function examineChain (config: Config): Promise<Finding[]> {
  const running = await findRunning(config)
  const rounds = await Promise.all([
    examinePorts(config, running),
    Promise.resolve(judgeRunning(running, config)),
    examineUpstreams(config),
    examineSnuba(config),
    examineListeners(config, running),
    examineEndpoint(config.mirror),
    examineSpool(config, running.state === 'runs')
  ])
  return rounds.flat()
}

/** The file, or a code that says why it cannot be read. */
async function readEnv (source: EnvSource): Promise<EnvFile | string> {
  try {
    return readEnvFile(await source.read())
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

function envFindings (file: EnvSource | null, read: EnvFile | string | null): Finding[] {
  if (file === null || read === null) return [skipped('.env', 'none here', '--env-file FILE names the one of self-hosted Sentry.')]
  if (typeof read === 'string') return [fault('.env', `${file.name} cannot be read (${read})`, 'Write its path after --env-file: it is in the folder of self-hosted Sentry.')]
  return [...judgeEnvFile(file.name, read), ...judgeReaders(file, read)]
}

function judgeReaders ({ path, name }: EnvSource, { variables }: EnvFile): Finding[] {
  const isSecret = ['SLS_ACCESS_KEY_SECRET', 'RUM_DEFAULT_PATH'].some(each => !['', 'off', 'false'].includes(variables.get(each)?.value ?? ''))
  return isSecret && path !== null && (statSync(path).mode & 0o044) !== 0 ? [warning('.env', `every user of this machine can read the secrets in ${name}`, `chmod 600 ${name}.`)] : []
}

function environmentOf (file: EnvFile | null): Environment {
  return Object.fromEntries([...file?.variables.values() ?? []].map(({ name, value }) => [name, value]))
}

/** Of variables without a fault. */
function slsAccess ({ variables }: EnvFile): SlsAccess {
  const value = (name: string, fallback = ''): string => variables.get(name)?.value || fallback
  return {
    endpoint: value('SLS_ENDPOINT', 'cn-chengdu.log.aliyuncs.com'),
    keyId: value('SLS_ACCESS_KEY_ID'),
    secret: value('SLS_ACCESS_KEY_SECRET'),
    project: value('SLS_PROJECT'),
    logstore: value('SLS_LOGSTORE', 'logstore-rum')
  }
}

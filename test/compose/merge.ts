/** Merges self-hosted Sentry's compose file with overrides of ours, by compose itself: `config` needs no engine. */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, copyFileSync, cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf } from './override-files.ts'

/** A service as compose prints it; compared with another of its kind, never with what is written in a file. */
export type MergedService = Readonly<Record<string, unknown>> & {
  readonly ports?: readonly { readonly target: number, readonly published: string, readonly host_ip?: string }[]
  readonly volumes?: readonly { readonly type: string, readonly source: string, readonly target: string, readonly read_only?: boolean }[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string, readonly restart?: boolean }>>
  readonly healthcheck?: unknown
}

export interface Merged {
  readonly services: Readonly<Record<string, MergedService>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<Record<string, unknown>>
}

/** Why nothing can be merged here, or `false`. */
export function whyNot (env: NodeJS.ProcessEnv): string | false {
  if (env['SELF_HOSTED'] === undefined) return 'SELF_HOSTED is not set: the folder of a checkout of getsentry/self-hosted'
  return findCompose(env) === null ? 'no docker compose 2 in PATH, and DOCKER_COMPOSE does not name one' : false
}

/** `DOCKER_COMPOSE`, `docker compose` or `docker-compose`, whichever there is, of version 2 or later. */
function findCompose (env: NodeJS.ProcessEnv): readonly string[] | null {
  const candidates = [[env['DOCKER_COMPOSE'] ?? ''], ['docker', 'compose'], ['docker-compose']]
  return candidates.find(([program, ...args]) => {
    if (program === undefined || program === '') return false
    const { status, stdout } = spawnSync(program, [...args, 'version', '--short'], { encoding: 'utf8' })
    return status === 0 && /^v?([2-9]|\d\d)\./.test(stdout)
  }) ?? null
}

/** The tag the document is written for and the newest commit, or what is checked out where there is no git. */
export function versionsOf (selfHosted: string): readonly string[] {
  const tag = spawnSync('git', ['-C', selfHosted, 'rev-parse', '--verify', '--quiet', '25.9.0^{commit}'])
  if (tag.status === 0) return ['25.9.0', 'HEAD']
  return ['as checked out']
}

/** A copy of that version in `folder`, with `variables` appended to its .env. */
export function copySelfHosted (selfHosted: string, version: string, folder: string, variables: Readonly<Record<string, string>>): void {
  if (version === 'as checked out') {
    cpSync(selfHosted, folder, { recursive: true, filter: source => !source.endsWith('.git') })
  } else {
    const archive = execFileSync('git', ['-C', selfHosted, 'archive', version], { maxBuffer: 256 * 1024 * 1024 })
    execFileSync('tar', ['-x', '-C', folder], { input: archive })
  }
  appendFileSync(join(folder, '.env'), `\n${Object.entries(variables).map(([name, value]) => `${name}=${value}\n`).join('')}`)
}

/**
 * @param override - From the repository's root; without one the base file alone is printed.
 * @throws With compose's own words when it cannot merge them.
 */
export function merge (env: NodeJS.ProcessEnv, folder: string, override?: string): Merged {
  const [program, ...args] = findCompose(env) ?? ['docker-compose']
  const files = ['-f', 'docker-compose.yml']
  if (override !== undefined) {
    copyFileSync(pathOf(override), join(folder, 'docker-compose.override.yml'))
    files.push('-f', 'docker-compose.override.yml')
  }
  const merged = execFileSync(program ?? '', [...args, ...files, 'config', '--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: env['PATH'], HOME: env['HOME'] },
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  return JSON.parse(merged) as Merged
}

/** The nginx.conf that this version of self-hosted mounts into the service. */
export function nginxConfOf (folder: string): string | null {
  const path = join(folder, 'nginx.conf')
  return existsSync(path) ? path : null
}

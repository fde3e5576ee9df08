/** What of the machine around the router decides about its promises. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config/config.ts'

/** Of Docker, podman and Kubernetes. */
const CONTAINER_MARKS = ['/.dockerenv', '/run/.containerenv', '/var/run/secrets/kubernetes.io']

/** What Docker and podman call a volume that nobody named: the image asks for one, and the next container gets another. */
const UNNAMED_VOLUME = /\/volumes\/[0-9a-f]{64}\/_data$/

export interface Surroundings {
  readonly inContainer: boolean
  /** Whether the folder of the spool, or the one it will be made in, is on a mount of its own; `null`: it cannot be told. */
  readonly spoolOnMount: boolean | null
  /** Whether that mount is a volume without a name of its own. */
  readonly spoolOnUnnamedVolume: boolean
}

export function lookAround ({ spool }: Pick<Config, 'spool'>): Surroundings {
  return {
    inContainer: CONTAINER_MARKS.some(path => existsSync(path)),
    spoolOnMount: isOnMount(spool.path),
    spoolOnUnnamedVolume: isOnUnnamedVolume(spool.path, readMounts())
  }
}

/** In a container, what is on the device of `/` goes with it. */
function isOnMount (path: string): boolean | null {
  try {
    return statSync(nearestFolder(path)).dev !== statSync('/').dev
  } catch {
    // May not be looked at; the spool says so itself.
    return null
  }
}

/** proc_pid_mountinfo(5); empty where there is none. */
function readMounts (): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return ''
  }
}

/** @param mounts - Lines of proc_pid_mountinfo(5). */
export function isOnUnnamedVolume (path: string, mounts: string): boolean {
  const above = mounts.split('\n').flatMap(line => {
    const [, , , root = '', point = ''] = line.split(' ')
    return point !== '' && `${path}/`.startsWith(point === '/' ? point : `${point}/`) ? { root, point } : []
  })
  // The last of those that are mounted on the same point is the one that is seen.
  const nearest = above.reduce((best, mount) => mount.point.length >= best.point.length ? mount : best, { root: '', point: '' })
  return UNNAMED_VOLUME.test(nearest.root)
}

/** The path, or the first folder above it that is there. */
export function nearestFolder (path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestFolder(dirname(path))
}

/** One sentence each. Pure. */
export function surroundingsWarnings ({ mirror, spool }: Pick<Config, 'mirror' | 'spool'>, { inContainer, spoolOnMount, spoolOnUnnamedVolume }: Surroundings): string[] {
  if (mirror === null) return []
  const remedy = `(in the override: volumes: ["sentry-mirror-spool:${spool.path}"])`
  if (inContainer && spoolOnMount === false) return [`spool.path ${spool.path} is inside the container, so the backlog is lost when the container is recreated; mount a volume there ${remedy}`]
  if (spoolOnUnnamedVolume) return [`spool.path ${spool.path} is on a volume without a name, so a container made after "docker compose down" does not find the backlog; name one ${remedy}`]
  return []
}

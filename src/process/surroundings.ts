/** What of the machine around the router decides about its promises. */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config/config.ts'

/** Of Docker, podman and Kubernetes. */
const CONTAINER_MARKS = ['/.dockerenv', '/run/.containerenv', '/var/run/secrets/kubernetes.io']

export interface Surroundings {
  readonly inContainer: boolean
  /** Whether the folder of the spool, or the one it will be made in, is on a mount of its own; `null`: it cannot be told. */
  readonly spoolOnMount: boolean | null
}

export function lookAround ({ spool }: Pick<Config, 'spool'>): Surroundings {
  return { inContainer: CONTAINER_MARKS.some(path => existsSync(path)), spoolOnMount: isOnMount(spool.path) }
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

/** The path, or the first folder above it that is there. */
export function nearestFolder (path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestFolder(dirname(path))
}

/** One sentence each. Pure. */
export function surroundingsWarnings ({ mirror, spool }: Pick<Config, 'mirror' | 'spool'>, { inContainer, spoolOnMount }: Surroundings): string[] {
  if (mirror === null || !inContainer || spoolOnMount !== false) return []
  return [`spool.path ${spool.path} is inside the container, so the backlog is lost when the container is recreated; mount a volume there (in the override: volumes: ["sentry-mirror-spool:${spool.path}"])`]
}

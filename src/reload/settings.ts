/**
 * Two configurations compared, key by key, in the words of router.yaml: what a reload
 * may not change, and what it did change. Every key of `Config` is in one of the two
 * tables; no value of a secret is ever in a sentence.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'

type Read = (config: Config) => unknown

/** A map of hundreds of projects must not become a line of hundreds of words. */
const MOST_NAMED = 10

/** Decided at the start: sockets, processes, what the spool's folder holds. */
const FIXED: Readonly<Record<string, Read>> = {
  'spool.path': config => config.spool.path,
  'spool.max_bytes': config => config.spool.maxBytes,
  'spool.when_full': config => config.spool.whenFull,
  'spool.fsync': config => config.spool.fsync,
  'spool.dead_letters': config => config.spool.deadLetters,
  'admin.host': config => config.admin.host,
  'admin.port': config => config.admin.port,
  workers: config => config.workers
}

const FREE: Readonly<Record<string, Read>> = {
  routes: config => config.routes,
  client: config => config.client,
  real_ip: config => config.realIp,
  'mirror.endpoint': config => config.mirror?.endpoint.href,
  'mirror.host': config => config.mirror?.host,
  'mirror.ca': config => config.mirror?.ca,
  'mirror.default': config => config.mirror?.default,
  'mirror.endpoints': config => config.mirror?.endpoints,
  'mirror.methods': config => config.mirror?.methods,
  'mirror.drop_headers': config => config.mirror?.dropHeaders,
  'mirror.connect_timeout': config => config.mirror?.connectTimeoutMs,
  'mirror.send_timeout': config => config.mirror?.sendTimeoutMs,
  'mirror.read_timeout': config => config.mirror?.readTimeoutMs,
  'mirror.concurrency': config => config.mirror?.concurrency,
  'mirror.retry': config => config.mirror?.retry,
  'spool.commit_timeout': config => config.spool.commitTimeoutMs,
  'admin.hosts': config => config.admin.hosts,
  'admin.token': config => config.admin.token,
  'log.level': config => config.log.level,
  'log.access': config => config.log.access
}

/**
 * Why `next` cannot take the place of `current` in a running router.
 *
 * @param current - As its file has it, with port 0 where the file says 0.
 * @returns One sentence per key, with what to do; empty when it can.
 */
export function whatCannotChange (current: Config, next: Config): string[] {
  return [
    ...listenersThatDiffer(current, next),
    ...mirrorSwitched(current, next),
    ...differing(FIXED, current, next).map(key => `${key}: cannot change while the router runs; restart it, or write the old value again`)
  ]
}

function listenersThatDiffer (current: Config, next: Config): string[] {
  if (current.listeners.length !== next.listeners.length) {
    return [`listeners: ${next.listeners.length} instead of ${current.listeners.length}; none can be added or removed while the router runs; restart it`]
  }
  return current.listeners.flatMap((listener, i) => (['port', 'host'] as const)
    .filter(key => listener[key] !== next.listeners[i]?.[key])
    .map(key => `listeners[${i}].${key}: cannot change while the router runs; restart it, or write ${listener[key]} again`))
}

function mirrorSwitched (current: Config, next: Config): string[] {
  if ((current.mirror === null) === (next.mirror === null)) return []
  if (current.mirror === null) return ['mirror: copying cannot be switched on while the router runs; restart it']
  return ['mirror: copying cannot be switched off while the router runs; restart it, or write default: off and off for each of mirror.projects']
}

/** What is different in `next`, each as a few words; empty when nothing is. */
export function changesBetween (current: Config, next: Config): string[] {
  return [
    ...next.listeners.flatMap(({ ui }, i) => ui === current.listeners[i]?.ui ? [] : [`listeners[${i}].ui`]),
    ...entriesChanged(current.upstreams, next.upstreams).map(name => `upstreams.${name}`),
    ...differing(FREE, current, next),
    ...projectsChanged(current, next)
  ]
}

function projectsChanged (current: Config, next: Config): string[] {
  const before = Object.fromEntries(current.mirror?.projects ?? [])
  const after = Object.fromEntries(next.mirror?.projects ?? [])
  const changed = entriesChanged(before, after)
  return changed.length > MOST_NAMED ? [`mirror.projects (${changed.length} of them)`] : changed.map(project => `mirror.projects.${project}`)
}

function entriesChanged (before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  const added = Object.keys(after).filter(name => !Object.hasOwn(before, name))
  const removed = Object.keys(before).filter(name => !Object.hasOwn(after, name))
  const kept = Object.keys(before).filter(name => Object.hasOwn(after, name))
  return [
    ...kept.filter(name => !isDeepStrictEqual(before[name], after[name])),
    ...added.map(name => `${name} (new)`),
    ...removed.map(name => `${name} (gone)`)
  ]
}

function differing (settings: Readonly<Record<string, Read>>, current: Config, next: Config): string[] {
  return Object.entries(settings).filter(([, read]) => !isDeepStrictEqual(read(current), read(next))).map(([key]) => key)
}

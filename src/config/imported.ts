/** What a router that started with an nginx.conf took over from it. Pure. */
import type { Config, MirrorConfig } from './config.ts'

/**
 * One sentence for what is in force, one for what a router.yaml would add; never a
 * mapped path.
 *
 * @returns `null` when the configuration was no nginx.conf.
 */
export function importedWords ({ file, listeners, routes, upstreams, mirror }: Config): string | null {
  if (!file.endsWith('.conf')) return null
  const mirrored = routes.filter(route => route.mirror).length
  const ports = [...new Set(listeners.map(({ port }) => String(port)))]
  const taken = `Taken over from ${file}: ${ports.length === 1 ? 'port' : 'ports'} ${inWords(ports)}, ${count(routes.length, 'location')}, ${Object.keys(upstreams).length === 1 ? 'upstream' : 'upstreams'} ${inWords(Object.keys(upstreams))}`
  const command = `mirror-router import-nginx ${file} > router.yaml`
  if (mirror === null || mirrored === 0) return `${taken}; nothing in it is mirrored, so nothing is copied. Copies need a router.yaml with mirror.endpoint; ${command} makes one to begin with.`
  return `${taken}; ${count(mirrored, 'location')} mirrored to ${mirror.endpoint.host}, ${projectWords(mirror)}. A router.yaml would add what an nginx.conf cannot say: place and size of the spool, how long to retry, https, no Cookie to the endpoint, envelopes only, single projects off; ${command} makes one.`
}

function projectWords ({ projects, default: others }: MirrorConfig): string {
  const mapped = [...projects.values()].filter(path => path !== null).length
  return `${count(mapped, 'project')} mapped, ${others === null ? 'no others' : 'all others to the default'}`
}

function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `a, b and c`. */
function inWords (names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter(part => part !== '').join(' and ')
}

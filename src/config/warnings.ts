/** What is legal in a configuration and yet probably not meant. */
import type { Config, MirrorConfig } from './config.ts'

/** One sentence each; never a mapped path. */
export function configWarnings (config: Config): string[] {
  const warnings = config.mirror === null ? [] : mirrorWarnings(config.mirror)

  if (config.mirror !== null && !config.routes.some(route => route.mirror)) {
    warnings.push('no route has mirror: true, so nothing is copied')
  }
  const ports = config.listeners.map(({ port }) => port).filter(port => port !== 0)
  for (const port of new Set(ports.filter((port, i) => ports.indexOf(port) !== i))) {
    warnings.push(`two listeners share port ${port} on different addresses; where one address includes the other, the second cannot start`)
  }
  if (config.realIp.trusted.some(range => range.endsWith('/0'))) {
    warnings.push('real_ip.trusted holds every address, so any client can choose the address it is known by')
  }
  const { host, port, token } = config.admin
  if (token === null && !isLoopback(host)) {
    warnings.push(`admin.host is ${host} and admin.token is off, so whoever reaches port ${port} can reload, replay and purge dead letters, and read bodies; write token: "\${MIRROR_ROUTER_ADMIN_TOKEN}" under admin:, and give the variable what openssl rand -hex 32 prints`)
  }
  return warnings
}

function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function mirrorWarnings (mirror: MirrorConfig): string[] {
  const warnings: string[] = []
  const paths = [mirror.default, ...mirror.projects.values()].filter(path => path !== null)
  if (paths.length === 0) warnings.push('mirror.default is off and no project has a path, so nothing is copied')
  if (mirror.endpoint.protocol === 'http:') warnings.push('mirror.endpoint is http://, so envelopes and mapped paths cross the network in clear text; use https:// if the endpoint offers it')
  if (mirror.endpoint.protocol === 'http:' && mirror.ca !== null) warnings.push('mirror.ca has no effect on an http:// endpoint')
  if (mirror.default !== null && mirror.projects.size > 0) warnings.push('mirror.default sends every project that is not listed, also future ones, to one service; write default: off to copy the listed ones only')
  if (paths.some(path => path.endsWith('/'))) warnings.push('a mapped path ends in /, so the endpoint will see // before api')
  return warnings
}

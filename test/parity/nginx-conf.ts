/**
 * Renders the document's nginx.conf for a run on loopback: the text stays as
 * it is except for an explicit list of substitutions, each of which must hit
 * exactly as often as it says.
 */
import { readFileSync } from 'node:fs'
import { DEFAULT_PATH, ENDPOINT_HOST, type Profile } from './profiles.ts'
import type { Ports } from './ports.ts'

const DOCUMENT = new URL('nginx.conf', import.meta.url)

export interface Place {
  /** Folder for nginx's logs, pid and temporary files. */
  readonly folder: string
  /** Folder that takes the place of `/var/www`. */
  readonly root: string
}

type Substitution = readonly [found: string, replacement: string, hits: number]

export function renderNginxConf (profile: Profile, ports: Ports, place: Place): string {
  let text = readFileSync(DOCUMENT, 'utf8')
  for (const [found, replacement, hits] of [...placeSubstitutions(ports, place), ...profileSubstitutions(profile, ports)]) {
    const parts = text.split(found)
    if (parts.length - 1 !== hits) throw new Error(`nginx.conf: "${found}" occurs ${parts.length - 1} times, expected ${hits}`)
    text = parts.join(replacement)
  }
  return text
}

function placeSubstitutions (ports: Ports, { folder, root }: Place): Substitution[] {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `\n\t${name}_temp_path ${folder}/${name};`).join('')
  // Only root may, and must, name another user.
  const user = process.getuid?.() === 0 ? 'user www-data;\n' : ''
  return [
    ['user nginx;\n', user, 1],
    ['/var/log/nginx/error.log', `${folder}/error.log`, 1],
    ['/var/run/nginx.pid', `${folder}/nginx.pid`, 1],
    ['access_log /var/log/nginx/access.log main;', `access_log ${folder}/access.log main;${temporary}`, 1],
    ['listen 80;', `listen 127.0.0.1:${ports.p80};`, 1],
    ['listen 81;', `listen 127.0.0.1:${ports.p81};`, 1],
    ['server web:9000;', `server 127.0.0.1:${ports.web};`, 1],
    ['server web-rum:9000;', `server 127.0.0.1:${ports.webrum};`, 1],
    ['server <endpoint>:80;', `server 127.0.0.1:${ports.rum};`, 1],
    ['proxy_set_header Host <endpoint>;', `proxy_set_header Host ${ENDPOINT_HOST};`, 2],
    ['root /var/www/;', `root ${root}/;`, 2]
  ]
}

function profileSubstitutions (profile: Profile, ports: Ports): Substitution[] {
  const { timeouts, clientAndMirrorTimeouts: limit } = profile
  const second = profile.relays === 2 ? `\n\t\tserver 127.0.0.1:${ports.relay2};` : ''
  const map = (profile.map ?? []).map(([pattern, path]) => `\n\t\t"${pattern}" ${path};`).join('')
  const trusted = (profile.trusted ?? []).map(range => `set_real_ip_from ${range};\n\t`).join('')
  const out: Substitution[] = [
    ['server relay:3000;', `server 127.0.0.1:${ports.relay};${second}`, 1],
    ['default /rum/sentry/<workspace_name>/<rum_service_id>;', `default ${DEFAULT_PATH};${map}`, 1],
    ['real_ip_header X-Forwarded-For;', `${trusted}real_ip_header X-Forwarded-For;`, 1]
  ]
  if (timeouts !== undefined) {
    out.push(['proxy_read_timeout 30s;', `proxy_read_timeout ${timeouts.read}; proxy_connect_timeout ${timeouts.connect};`, 1])
    if (timeouts.send !== undefined) out.push(['proxy_send_timeout 5s;\n\n\tupstream relay', `proxy_send_timeout ${timeouts.send};\n\n\tupstream relay`, 1])
  }
  if (limit !== undefined) {
    const client = ['client_header_timeout', 'client_body_timeout', 'send_timeout'].map(name => `\n\t${name} ${limit};`).join('')
    out.push(
      ['proxy_read_timeout 5s;', `proxy_read_timeout ${limit};`, 2],
      ['proxy_send_timeout 5s;', `proxy_send_timeout ${limit};`, 2],
      ['proxy_connect_timeout 5s;', `proxy_connect_timeout ${limit};`, 2],
      ['keepalive_timeout 75s;', `keepalive_timeout ${limit};`, 1],
      ['gzip off;', `gzip off;${client}`, 1]
    )
  }
  return out
}

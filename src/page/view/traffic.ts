/** What the routes were asked in the last minute, and how the upstreams are. */
import type { RouteTraffic, UpstreamTraffic } from '../../status/status.ts'
import { countWords } from '../../status/words.ts'
import { html, type Html } from './html.ts'
import { badge, lossCount, section, table, type Row, type Tone } from './parts.ts'
import type { PageState } from './state.ts'
import { age, time, type Clock } from './words.ts'

const TONES: Readonly<Record<UpstreamTraffic['state'], Tone>> = { ok: 'ok', failing: 'bad', unknown: 'idle' }

export function renderUpstreams ({ status: { traffic }, clock }: PageState): Html {
  return section({ id: 'upstreams', title: 'Upstreams' }, table('Where requests are forwarded', [
    { heading: 'Upstream' }, { heading: 'State', wide: true }, { heading: 'Errors, last minute', number: true }, { heading: 'Servers', wide: true }
  ], traffic.upstreams.map((upstream): Row => ({
    key: upstream.name,
    cells: [
      upstream.name,
      html`${badge(TONES[upstream.state], upstream.state)} <span class="muted">${stateWords(upstream)}</span>`,
      lossCount(upstream.errors),
      html`<ul>${upstream.servers.map(server => html`<li>${serverWords(server, clock)}</li>`)}</ul>`
    ]
  }))))
}

/** The words begin with the state, and the badge says it already. */
function stateWords ({ state, words }: UpstreamTraffic): string {
  return words.startsWith(state) ? words.slice(state.length).replace(/^[\s,;:]+/, '') : words
}

function serverWords ({ address, answeredAt, failedAt, failure, connections }: UpstreamTraffic['servers'][number], clock: Clock): Html {
  const failing = failedAt !== null && (answeredAt === null || answeredAt < failedAt)
  return html`<code>${address}</code> <span class="muted">${failing
    ? html`${failure ?? 'failed'} at ${time(failedAt, clock)}`
    : answeredAt === null ? 'not asked yet' : html`answered ${age(answeredAt, clock)} ago`}; ${countWords(connections.open)} open, ${countWords(connections.idle)} idle</span>`
}

export function renderRoutes ({ status: { traffic, config } }: PageState): Html {
  const asked = new Map<string, RouteTraffic>(traffic.routes.map(route => [route.route, route]))
  const listed = config.routes.map(({ location }) => location)
  const others = traffic.routes.filter(({ route, requests }) => requests > 0 && !listed.includes(route))
  const rows = [
    ...config.routes.map(({ location, target, mirror }, at): Row => ({
      key: `${at} ${location}`,
      cells: [html`<code>${location}</code>`, target, mirror ? badge('ok', 'mirrored') : html`<span class="zero">no</span>`, ...numbers(asked.get(location))]
    })),
    ...others.map((route): Row => ({ key: route.route, cells: [html`<code>${route.route}</code>`, 'no route', html`<span class="zero">no</span>`, ...numbers(route)] }))
  ]
  return section({ id: 'routes', title: 'Routes in force' }, table('Locations in the order of the file, with the requests of the last minute', [
    { heading: 'Location' }, { heading: 'Goes to', wide: true }, { heading: 'Mirrored' }, { heading: 'Requests', number: true }, { heading: 'Errors (5xx)', number: true }
  ], rows))
}

function numbers (route: RouteTraffic | undefined): readonly [string, Html] {
  return [countWords(route?.requests ?? 0), lossCount(route?.errors ?? 0)]
}

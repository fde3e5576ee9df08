/** Mirror success, the endpoint, the backlog and the latency at one glance. */
import { endpointWords } from '../../status/endpoint.ts'
import type { EndpointState, EndpointStatus, MirrorStatus, Outcomes, SpoolStatus, StatusWindow } from '../../status/status.ts'
import { bytesWords, countWords, latencyWords, plural, ratioWords } from '../../status/words.ts'
import { html, type Html } from './html.ts'
import { badge, meter, type Tone } from './parts.ts'
import type { PageState } from './state.ts'
import { age, unbroken, type Clock } from './words.ts'

const WINDOWS: Readonly<Record<StatusWindow, string>> = { now: 'Success, 1 min', '1h': 'Success, 1 h', '24h': 'Success, 24 h' }
const ENDPOINT_TONES: Readonly<Record<EndpointState, Tone>> = { up: 'ok', failing: 'wait', held: 'wait', down: 'bad', unknown: 'idle' }

/** What is not whole should be looked at; below this it is bad. */
const BAD_RATIO = 0.99

export function renderOverview ({ status, clock }: PageState): Html {
  const { mirror, spool } = status
  return html`<dl class="tiles" id="overview" data-live>
${mirror?.success.map(successTile) ?? null}
${mirror !== null && endpointTile(mirror.endpoint, spool, clock)}
${spool !== null && backlogTile(spool, clock)}
${mirror !== null && latencyTile(mirror)}
</dl>`
}

function successTile ({ window, accepted, delivered, dead, dropped, ratio }: Outcomes): Html {
  const tone: Tone | null = ratio === null ? null : ratio === 1 ? 'ok' : ratio >= BAD_RATIO ? 'wait' : 'bad'
  return html`<div class="tile tile-success${tone !== null && ` tone-${tone}`}" data-key="${window}">
<dt>${WINDOWS[window]}</dt>
<dd><span class="big">${ratioWords(ratio)}</span></dd>
<dd class="small">${ratio === null ? (accepted === 0 ? 'no copies' : 'nothing settled yet') : `${countWords(delivered)} delivered`}</dd>
<dd class="small">${countWords(dead)} dead, ${countWords(dropped)} dropped</dd>
</div>`
}

function endpointTile (endpoint: EndpointStatus, spool: SpoolStatus | null, clock: Clock): Html {
  return html`<div class="tile tile-wide" data-key="endpoint">
<dt>Endpoint <code>${endpoint.host}</code></dt>
<dd><span class="big tone-${ENDPOINT_TONES[endpoint.state]}" id="endpoint-state">${endpoint.state}</span></dd>
<dd class="small" id="endpoint-words">${stateWords(endpoint, spool, clock)}</dd>
<dd class="small">${countWords(endpoint.underWay)} under way, at most ${countWords(endpoint.width)} at once</dd>
</div>`
}

/** Put into words where it is read: they name a time of day. The state itself stands above. */
function stateWords (endpoint: EndpointStatus, spool: SpoolStatus | null, { now }: Clock): string {
  const words = unbroken(endpointWords(endpoint, { pending: spool?.pending ?? 0, oldestTakenAt: spool?.oldestTakenAt ?? null }, now))
  return words.startsWith(`${endpoint.state} `) ? words.slice(endpoint.state.length + 1) : words.replace(/^up; /, '')
}

function backlogTile ({ works, pending, pendingBytes, deadBytes, maxBytes, oldestTakenAt, dead }: SpoolStatus, clock: Clock): Html {
  const used = pendingBytes + deadBytes
  return html`<div class="tile" data-key="backlog">
<dt>Backlog</dt>
<dd><span class="big" id="pending">${countWords(pending)}</span> ${!works && badge('bad', 'disk fails')}</dd>
<dd class="small">${oldestTakenAt === null ? 'nothing waits' : `oldest ${age(oldestTakenAt, clock)}`}; ${plural(dead, 'dead letter', 'dead letters')}</dd>
<dd class="small">${bytesWords(used)} of ${bytesWords(maxBytes)}${meter(maxBytes === 0 ? 0 : used / maxBytes)}</dd>
</div>`
}

function latencyTile ({ latency: { p50, p90, p99 } }: MirrorStatus): Html {
  return html`<div class="tile" data-key="latency">
<dt>Delivered after</dt>
<dd><span class="big">${latencyWords(p50)}</span></dd>
<dd class="small">median of the last 5 minutes</dd>
<dd class="small">${unbroken(`90%: ${latencyWords(p90)}, 99%: ${latencyWords(p99)}`)}</dd>
</div>`
}

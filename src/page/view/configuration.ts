/** Which configuration is in force, since when, and whether the last try to change it worked. */
import type { ProjectTarget } from '../../status/status.ts'
import { html, type Html } from './html.ts'
import { badge, section, table } from './parts.ts'
import type { PageState } from './state.ts'
import { age, time } from './words.ts'

export function renderConfiguration ({ status: { config, processes }, clock }: PageState): Html {
  const { file, loadedAt, lastReload, listeners, projects } = config
  return section({ id: 'configuration', title: 'Configuration' }, html`<div class="pair"><dl class="facts">
<dt>File</dt><dd><code>${file}</code></dd>
<dt>In force since</dt><dd>${time(loadedAt, clock)} (${age(loadedAt, clock)})</dd>
<dt>Last reload</dt><dd>${lastReload === null
  ? html`<span class="muted">none since the start</span>`
  : html`${lastReload.result === 'success' ? badge('ok', 'success') : badge('bad', 'failed, the old one stays')} ${time(lastReload.at, clock)}`}</dd>
${lastReload !== null && lastReload.message !== '' && html`<dt>It said</dt><dd>${lastReload.result === 'failure' ? html`<pre>${lastReload.message}</pre>` : lastReload.message}</dd>`}
<dt>Listeners</dt><dd>${listeners.map(({ host, port, ui }, at) => html`${at > 0 && ', '}<code>${host.includes(':') ? `[${host}]` : host}:${port}</code> (${ui})`)}</dd>
<dt>Processes</dt><dd>${processes.map(({ pid }) => pid).join(', ')}</dd>
</dl>
${projects.length > 0 && table('Where copies go, by project; the paths are secret', [
  { heading: 'Project' }, { heading: 'Mirror' }, { heading: 'Service', wide: true }
], projects.map(project => ({ key: project.project, cells: [project.project, mirrored(project), html`<code>${project.target}</code>`] })))}</div>`)
}

function mirrored ({ state }: ProjectTarget): Html {
  return state === 'off' ? badge('idle', 'off') : badge('ok', 'mirrored')
}

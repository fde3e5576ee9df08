/** The whole page as the router sends it: complete without scripts, and what they then keep up to date. */
import { html, markupOf } from './view/html.ts'
import { renderHistoryTable } from './view/history-table.ts'
import { renderPlotFrames } from './view/plots.ts'
import { SECTIONS } from './view/sections.ts'
import type { PageState } from './view/state.ts'

/** @param base - Where the assets are; see assets.ts. */
export function renderDocument (state: PageState, base: string): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>mirror-router</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${base}/uplot.css">
<link rel="stylesheet" href="${base}/page.css">
<script type="module" src="${base}/page/browser/main.ts"></script>
</head>
<body data-version="${state.status.version}">
<a class="skip" href="#main">Skip to the answer</a>
<header class="top"><div class="top-row">
<span class="brand">mirror-router</span>
${SECTIONS['top-facts'](state)}
<span class="link-state scripted" id="link-state" data-link="connecting">connecting</span>
</div></header>
<div class="lost" id="lost" role="alert" hidden><p id="lost-words"></p></div>
<p class="hidden-text" id="announcement" role="status"></p>
<main id="main" tabindex="-1">
<noscript><p class="card">Scripts are off: the numbers are those of ${new Date(state.status.at).toISOString()}, the times of day those of the router. Reload the page for newer ones.</p></noscript>
${SECTIONS.answer(state)}
${SECTIONS.overview(state)}
<section class="card" id="history" aria-labelledby="history-title">
<div class="card-head"><h2 id="history-title">History</h2>
<div class="aside scripted"><div class="choice" role="group" aria-label="Time shown">
<button type="button" data-window="1h" aria-pressed="true">1 hour</button><button type="button" data-window="24h" aria-pressed="false">24 hours</button><button type="button" data-window="14d" aria-pressed="false">14 days</button>
</div></div></div>
${renderPlotFrames()}
<details id="history-numbers"><summary>The numbers behind the plots</summary><div id="history-table">${renderHistoryTable(state.history, state.clock)}</div></details>
</section>
${SECTIONS.projects(state)}
${SECTIONS['dead-letters'](state)}
${SECTIONS.completeness(state)}
<div class="pair">${SECTIONS.routes(state)}
${SECTIONS.upstreams(state)}</div>
${SECTIONS.configuration(state)}
</main>
<footer class="foot">Also here: <a href="/metrics">metrics</a>, <a href="/status.json">status.json</a>, <a href="/history.json?window=24h">history.json</a>, <a href="/report.txt?since=24h">report.txt</a>.</footer>
<dialog id="letters" aria-labelledby="letters-title"><h2 id="letters-title" tabindex="-1">Dead letters</h2><div id="letters-body"></div>
<div class="dialog-actions"><button type="button" data-action="close">Close</button></div></dialog>
<dialog id="confirm" class="narrow" aria-labelledby="confirm-title" aria-describedby="confirm-words"><h2 id="confirm-title">Replay dead letters?</h2><p id="confirm-words"></p><p class="fault" id="confirm-fault" role="alert" hidden></p>
<div class="dialog-actions"><button type="button" data-action="close">Cancel</button><button type="button" class="primary" id="confirm-yes">Replay</button></div></dialog>
<dialog id="token" class="narrow" aria-labelledby="token-title"><form id="token-form"><h2 id="token-title">Admin token</h2>
<p id="token-words">This router asks for its admin token (<code>admin.token</code>) before it shows bodies or changes anything. It is kept until this tab is closed.</p>
<p class="fault" id="token-fault" role="alert" hidden></p>
<label for="token-input">Token</label><input id="token-input" type="password" autocomplete="off" required>
<div class="dialog-actions"><button type="button" data-action="close">Cancel</button><button type="submit" class="primary">Use it</button></div></form></dialog>
</body>
</html>
`
  return markupOf(page)
}

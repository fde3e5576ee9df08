import { test } from 'tap'
import type { Config } from '../../../src/config/config.ts'
import { importedWords } from '../../../src/config/imported.ts'
import { filledDocument, fixture, importConfig } from '../../helpers/imported.ts'

/** As if it had been found at the start. */
function atStart (config: Config): Config {
  return { ...config, file: '/etc/nginx/nginx.conf' }
}

test('the document\'s nginx.conf: what was taken over, what is mirrored, and what a router.yaml would add', async t => {
  const words = importedWords(atStart(importConfig(filledDocument()))) ?? ''

  t.match(words, 'Taken over from /etc/nginx/nginx.conf: ports 80 and 81, 8 locations, upstreams relay, sentry and sentry_rum; 1 location mirrored to rum.example.test, 0 projects mapped, all others to the default. ')
  t.match(words, 'https, no Cookie to the endpoint')
  t.match(words, 'mirror-router import-nginx /etc/nginx/nginx.conf > router.yaml')
  t.notMatch(words, '/rum/sentry')
  t.notMatch(words, '\n')
})

test('mapped projects are counted', async t => {
  const text = filledDocument().replace('# "~^/api/1/envelope/"  /rum/sentry/workspace/<rum_service_id_for_project_1>;', '"~^/api/1/envelope/" /rum/sentry/workspace/one;')

  t.match(importedWords(atStart(importConfig(text))), '1 project mapped, all others to the default')
})

test('self-hosted\'s own nginx.conf: nothing in it is mirrored', async t => {
  t.match(importedWords(atStart(importConfig(fixture('stock.conf')))), /^Taken over from \/etc\/nginx\/nginx\.conf: port 80, 7 locations, upstreams relay and sentry; nothing in it is mirrored, so nothing is copied\. Copies need a router\.yaml/)
})

test('nothing is said of a router.yaml', async t => {
  t.equal(importedWords(importConfig(fixture('stock.conf'))), null)
})

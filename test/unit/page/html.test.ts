import { test } from 'tap'
import { html, markupOf, type Html } from '../../../src/page/view/html.ts'

test('what is put into a template is text, between tags and in attributes', async t => {
  const evil = `<script>alert("1")</script>'&`

  t.equal(markupOf(html`<p title="${evil}">${evil}</p>`),
    '<p title="&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#38;">&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#38;</p>')
})

test('what a template made is markup in another one; null and false are nothing', async t => {
  const items = [html`<li>${1}</li>`, html`<li>${'<'}</li>`]

  t.equal(markupOf(html`<ul>${items}${null}${false}</ul>`), '<ul><li>1</li><li>&#60;</li></ul>')
})

test('nothing that came out of JSON passes for markup', async t => {
  const forged = JSON.parse('{"markup":"<b>","Symbol(markup)":"<b>"}') as Html

  t.notMatch(markupOf(html`<p>${forged}</p>`), '<b>')
})

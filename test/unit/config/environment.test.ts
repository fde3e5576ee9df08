import { test } from 'tap'
import { fillEnvironment } from '../../../src/config/environment.ts'

const ENV = { HOST: 'rum.example', EMPTY: '', NESTED: '${HOST}' }

function filled (text: string): string {
  const { text: result, problems } = fillEnvironment(text, ENV)
  return problems.length === 0 ? result : problems.join(' & ')
}

test('a variable is filled in wherever it stands', async t => {
  t.equal(filled('${HOST}'), 'rum.example')
  t.equal(filled('https://${HOST}:8443/${HOST}'), 'https://rum.example:8443/rum.example')
  t.equal(filled('no variable'), 'no variable')
})

test('a default stands in for a variable that is unset or empty', async t => {
  t.equal(filled('${UNSET:-80}'), '80')
  t.equal(filled('${EMPTY:-80}'), '80')
  t.equal(filled('${HOST:-80}'), 'rum.example')
  t.equal(filled('${UNSET:-}'), '')
  t.equal(filled('${UNSET:-a:-b}'), 'a:-b')
})

test('a variable that is set to nothing is nothing', async t => {
  t.equal(filled('[${EMPTY}]'), '[]')
})

test('an unset variable is named, each one', async t => {
  t.equal(filled('${UNSET}'), 'the environment variable UNSET is not set; set it, or write ${UNSET:-default}')
  t.equal(filled('${UNSET:?the address of RUM}'), 'the environment variable UNSET is not set: the address of RUM')
  t.equal(filled('${EMPTY:?}'), 'the environment variable EMPTY is not set; set it')
  t.equal(fillEnvironment('${A}${B}', ENV).problems.length, 2)
})

test('a name every object has is not taken for a variable', async t => {
  t.match(filled('${constructor}'), /constructor is not set/)
})

test('two dollar signs are one, and any other stands for itself', async t => {
  t.equal(filled('$${HOST}'), '${HOST}')
  t.equal(filled('$$'), '$')
  t.equal(filled('^/a$'), '^/a$')
  t.equal(filled('$HOST'), '$HOST')
})

test('what a variable holds is not filled in again', async t => {
  t.equal(filled('${NESTED}'), '${HOST}')
})

test('a reference in a form that is not known is a problem', async t => {
  for (const text of ['${', '${}', '${1A}', '${A-b}', '${A:=b}', '${A:-${HOST}}', '${HOST']) t.match(filled(text), /no reference/, text)
})

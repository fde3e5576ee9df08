import { readFileSync } from 'node:fs'
import { test } from 'tap'
import * as fc from 'fast-check'
import { readEnvFile } from '../../../src/doctor/env-file.ts'
import { judgeEnvFile } from '../../../src/doctor/env-rules.ts'
import type { Finding } from '../../../src/doctor/finding.ts'

function valuesOf (text: string): Record<string, string> {
  return Object.fromEntries([...readEnvFile(text).variables.values()].map(({ name, value }) => [name, value]))
}

function findingsOf (text: string, state: Finding['state']): string[] {
  return judgeEnvFile('.env', readEnvFile(text)).filter(finding => finding.state === state).map(({ check, words }) => `${check}: ${words}`)
}

const RIGHT = `
SENTRY_RUM_IMAGE=r/sentry:25.9.0-rum
SNUBA_RUM_IMAGE=r/snuba:25.9.0-rum
SLS_ACCESS_KEY_ID=LTAI5t
SLS_ACCESS_KEY_SECRET=secret
SLS_PROJECT=proj-xtrace-1-cn-hangzhou
`

test('a .env is read as compose reads it', t => {
  t.strictSame(valuesOf('A=1\nexport B = two words \nC="quoted # \\"x\\"" # comment\nD=\'$raw\'\nE=plain # comment\nF=a#b\n# G=1\n\nH='), {
    A: '1', B: 'two words', C: 'quoted # "x"', D: '$raw', E: 'plain', F: 'a#b', H: ''
  })
  t.strictSame(valuesOf('\uFEFFA=1\r\nB=2\r\n'), { A: '1', B: '2' })
  t.end()
})

test('what compose would put something else in place of is known', t => {
  const { variables } = readEnvFile('A=a$b\nB=\'a$b\'\nC=a$$b\nD="a${b}"\nE=5$')

  t.strictSame([...variables.values()].map(({ name, interpolates }) => [name, interpolates]), [['A', true], ['B', false], ['C', false], ['D', true], ['E', false]])
  t.end()
})

test('lines that are none, and names that stand there twice, are told', t => {
  const { repeated, unread, variables } = readEnvFile('A=1\nnonsense\nA=2\nB=1\nB=1\n1A=3')

  t.strictSame({ repeated, unread, A: variables.get('A')?.value }, { repeated: ['A'], unread: [2, 6], A: '2' })
  t.strictSame(findingsOf('A=1\nnonsense\nA=2', 'fault'), ['.env: .env:2 is neither NAME=value nor a comment'])
  t.strictSame(findingsOf('A=1\nA=2', 'warning'), ['.env: A stands in .env twice, with different values'])
  t.end()
})

test('whatever a .env holds, it is judged in words that repeat no secret', t => {
  const line = fc.tuple(fc.constantFrom('SLS_ACCESS_KEY_SECRET', 'SLS_ACCESS_KEY_ID', 'RUM_DEFAULT_PATH', 'SLS_TTL', 'SENTRY_RUM_IMAGE'), fc.constantFrom('', ' ', '"', '\'', '<', '$', ' #', '://')).map(([name, odd]) => `${name}=c0ffee${odd}c0ffee`)

  fc.assert(fc.property(fc.array(fc.oneof(line, fc.string())), lines => !JSON.stringify(judgeEnvFile('.env', readEnvFile(lines.join('\n')))).includes('c0ffee')))
  t.pass('no counterexample')
  t.end()
})

test('what may be left out may be left out', t => {
  t.strictSame([findingsOf(RIGHT, 'fault'), findingsOf(RIGHT, 'warning')], [[], []])
  t.end()
})

test('what works and is probably not meant is a warning', t => {
  t.strictSame(findingsOf(`${RIGHT}SLS_TTL=90`, 'warning'), ['SLS_TTL: more than 30 days, and RUM keeps data for 30 unless you had that changed'])
  t.strictSame(findingsOf(`${RIGHT}SLS_LOGSTORE=mine`, 'warning'), ['SLS_LOGSTORE: not logstore-rum, which is the only name the document knows'])
  t.strictSame(findingsOf(`${RIGHT}SLS_ENDPOINT=https://cn-chengdu.log.aliyuncs.com`, 'warning'), ['SLS_ENDPOINT: it has a scheme'])
  t.strictSame(findingsOf(`${RIGHT}ENABLE_SLS_NODESTORE=false`, 'warning'), ['SLS switches: ENABLE_SLS_NODESTORE is false, USE_SLS_GROUP_STORAGE is true'])
  t.strictSame(findingsOf(`${RIGHT}ENABLE_SLS_NODESTORE=false\nUSE_SLS_GROUP_STORAGE=0`, 'warning'), ['SLS switches: both are false, so the second Sentry reads nothing from SLS'])
  t.strictSame(findingsOf(`${RIGHT}SNUBA_RUM_IMAGE=r/snuba`, 'warning'), ['.env: SNUBA_RUM_IMAGE stands in .env twice, with different values', 'SNUBA_RUM_IMAGE: it has no tag, so it is whatever is newest'])
  t.strictSame(findingsOf('RUM_ENDPOINT=off', 'warning'), ['RUM_ENDPOINT: off, so nothing is copied'])
  t.end()
})

test('of the example that is shipped, each value that is still to be written is named, and nothing else', t => {
  const example = readFileSync(new URL('../../../config/.env.example', import.meta.url), 'utf8')
  const placeholders = [...readEnvFile(example).variables.values()].filter(({ value }) => value.includes('<')).map(({ name }) => `${name}: still a placeholder`)

  t.ok(placeholders.length > 5)
  t.strictSame(new Set(findingsOf(example, 'fault')), new Set(placeholders))
  t.strictSame(findingsOf(example, 'warning'), [])
  t.end()
})

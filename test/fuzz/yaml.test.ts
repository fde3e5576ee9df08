/**
 * Any bytes give a configuration or faults with their places, soon: files made from
 * the schema, real files that were damaged, and noise. What is accepted keeps what the
 * program relies on. Findings are kept in test/regression/configuration.test.ts.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { test } from 'tap'
import { stringify } from 'yaml'
import { loadConfigFile } from '../../src/config/config-file.ts'
import { formatFault } from '../../src/config/fault.ts'
import type { Loaded } from '../../src/config/load.ts'
import { router } from '../../src/config/schema.ts'
import type { Options, ValueType } from '../../src/config/schema/types.ts'
import { brokenInvariants } from '../helpers/config-invariants.ts'
import { load } from '../helpers/configuration.ts'
import { damaged, fuzz } from '../helpers/fuzz.ts'
import { filledDocument, importText } from '../helpers/imported.ts'

/** Generous, for a machine that does other things too; a hang is minutes. */
const MAX_MS = 5000
const ENV = { A: 'a', EMPTY: '', NUMBER: '80', MIRROR_ROUTER_ADMIN_TOKEN: 'an-admin-token-of-the-test' }

const JUNK = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1e21, 0.1, NaN, Infinity, '', 'off', '~', '5', '5s', '100MiB', '0s', '99999999999999999999d', '<endpoint>', '${A}', '${NUMBER}', '${NONE}', '${EMPTY:-80}', '${A:?x}', '${', '$$', '\0', '\r\n', '\u2028', '\ud800', '*a', '&a', '<<', '__proto__', 'constructor', [], {}, [[]], [{}]),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.bigInt()
)

function valueOf (type: ValueType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'scalar': return fc.oneof({ weight: 9, arbitrary: fc.oneof(...type.json.map(formOf)) }, { weight: 1, arbitrary: JUNK })
    case 'list': return fc.array(valueOf(type.items), { minLength: type.minItems, maxLength: 3 })
    case 'map': return fc.dictionary(fc.oneof(...type.keys.json.map(formOf)).map(String), valueOf(type.values), { maxKeys: 3 })
    case 'section': return sectionOf(type.options)
  }
}

function formOf (schema: Readonly<Record<string, unknown>>): fc.Arbitrary<unknown> {
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum'] as unknown[])
  // What only looks ahead cannot be generated from; a text that breaks it is one more wrong file.
  if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern'].replaceAll(/\(\?[=!][^)]*\)/g, '')), { size: '-1' })
  if (schema['type'] === 'integer') return fc.integer({ min: Number(schema['minimum'] ?? 0) - 1, max: Number(schema['maximum'] ?? 100) + 1 })
  return fc.integer()
}

function sectionOf (options: Options): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, valueOf(option.type)]))
  const required = Object.entries(options).filter(([, option]) => option.required === true).map(([name]) => name)
  return fc.record(fields, { requiredKeys: required })
}

/** One or two sections at a time: with all of them, one is nearly always wrong. */
const oneSection = fc.oneof(...Object.entries(router.options).map(([name, { type }]) => valueOf(type).map(value => ({ [name]: value }))))
const fromSchema = fc.oneof(oneSection, fc.tuple(oneSection, oneSection).map(([one, other]) => Object.assign({}, one, other)))

const repositoryFile = (path: string): Buffer => readFileSync(new URL(`../../${path}`, import.meta.url))
const SEEDS = [
  ...['config/router.yaml', 'config/router.compose.yaml'].map(repositoryFile),
  Buffer.from(importText(filledDocument()).yaml),
  Buffer.from('common: &c { read_timeout: 5s }\nupstreams:\n  web: { <<: *c, servers: [web:9000] }\n  api: { <<: [*c, *c], servers: &s ["[::1]:80"] }\nmirror: { endpoint: https://rum.example, projects: { 1: /a, 2: off }, retry: { max: 1m } }\n'),
  Buffer.from('\ufeffmirror:\r\n  endpoint: https://rum.example\r\n  default: "/rum/${A}"\r\nworkers: ${NUMBER}\r\n')
]
const TOKENS = [
  ' ', '\n', '  ', '\t', '\r', '\0', ': ', '- ', '? ', '{', '}', '[', ']', ',', '#', '"', '\'', '|', '>', '&a ', '*a', '*c', '<<: *a', '<<: [*a, *a]', '!!str ', '!x ', '---\n', '...\n', '%YAML 1.1\n', '~', '${A}', '${A:-', '$$', '\ufeff', '\u2028', '\x85',
  '__proto__', 'constructor: 1', 'off', 'null', '5s', '1e9', '0x10', '.inf', '9'.repeat(40), '['.repeat(60), '{a: '.repeat(60), '- '.repeat(60), '\x80', '\xff\xfe', ...Object.keys(router.options).map(name => `${name}:`)
]

function check ({ config, faults }: Loaded, text: string, ms: number): void {
  if (ms > MAX_MS) throw new Error(`it took ${Math.round(ms)} ms`)
  if (config !== undefined) {
    const broken = brokenInvariants(config)
    if (broken.length > 0) throw new Error(broken.join('\n'))
    return
  }
  if (faults.length === 0) throw new Error('refused without a fault')
  const lines = text.split('\n')
  for (const { line, column, message } of faults) {
    const length = lines[line - 1]?.length
    const placed = line === 0 ? column === 0 : length !== undefined && column >= 1 && column <= length + 1
    const printed = formatFault({ file: 'router.yaml', line, column, message })
    if (!placed || message === '' || printed.length > 10_000 || /\p{Cc}/u.test(printed)) throw new Error(`the fault ${line}:${column} ${JSON.stringify(message)}`)
  }
}

function loadAndCheck (text: string): Loaded {
  const started = performance.now()
  const loaded = load(text, { env: ENV, file: '/etc/router.yaml' })
  check(loaded, text, performance.now() - started)
  return loaded
}

test('a file made from the schema is a configuration that keeps its promises, or has faults in their places', async t => {
  let accepted = 0
  await fuzz(t, fc.tuple(fromSchema, fc.boolean()), ([value, asJson]) => {
    const text = asJson ? JSON.stringify(value, (_, item: unknown) => typeof item === 'bigint' ? Number(item) : item) : stringify(value)
    if (loadAndCheck(text).config !== undefined) accepted++
  })
  t.comment(`${accepted} accepted`)
  t.ok(accepted > 0)
})

test('a real file that was damaged is a configuration that keeps its promises, or has faults in their places', async t => {
  await fuzz(t, damaged(SEEDS, TOKENS), bytes => { loadAndCheck(bytes.toString()) })
})

test('a file of any bytes is never an exception', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'mirror-router-fuzz-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const file = join(folder, 'router.yaml')
  const noise = fc.oneof(fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)), damaged(SEEDS, TOKENS, 40), fc.array(fc.constantFrom(...TOKENS), { maxLength: 60 }).map(tokens => Buffer.from(tokens.join(''))))
  await fuzz(t, noise, async bytes => {
    writeFileSync(file, bytes)
    const started = performance.now()
    const loaded = await loadConfigFile(file, ENV)
    check(loaded, new TextDecoder().decode(bytes), performance.now() - started)
  })
})

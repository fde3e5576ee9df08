import { assert, array, constantFrom, nat, oneof, property, string, tuple } from 'fast-check'
import { test } from 'tap'
import { parseDocument } from 'yaml'
import { RULES } from '../../../../src/config/nginx/directives.ts'
import { parseNginx, withDescendants, type Directive } from '../../../../src/config/nginx/parser.ts'
import { loadConfig } from '../../../../src/config/load.ts'
import { filledDocument, importText } from '../../../helpers/imported.ts'

const LINES = filledDocument().split('\n')

const WORD = oneof(
  constantFrom('on', 'off', '0', '1', '64k', '30s', 'auto', '/x', '$host', 'http://relay', 'http://new:1/x/', '/var/www', 'relay', '~', '= /a', 'main', 'X-A', '"a b"', "''", '${x}', '$${x}', '\\n', 'é\u2028'),
  string({ unit: constantFrom('a', '/', '.', ':', '1', '$', '{', '"', '-', '#', '~', '*', '[', ']', '\\', ' ', '\t'), maxLength: 8 }).map(text => JSON.stringify(text))
)

const STATEMENT = oneof(
  tuple(constantFrom(...RULES.filter(({ block }) => !block).map(({ name }) => name)), array(WORD, { maxLength: 3 })).map(([name, words]) => `${[name, ...words].join(' ')};`),
  tuple(constantFrom('location', 'server', 'upstream', 'map', 'types', 'if', 'unknown'), array(WORD, { maxLength: 2 }), array(WORD, { maxLength: 3 }))
    .map(([name, words, inside]) => `${[name, ...words].join(' ')} { ${inside.length === 0 ? '' : `${inside.join(' ')};`} }`)
)

/** The document with a few lines taken out and a few statements put in. */
const MUTANT = tuple(array(tuple(nat(LINES.length), STATEMENT), { maxLength: 3 }), array(nat(LINES.length), { maxLength: 2 })).map(([inserted, removed]) =>
  LINES.flatMap((line, i) => inserted.filter(([at]) => at === i).map(([, statement]) => statement).concat(removed.includes(i) ? [] : [line])).join('\n'))

function key ({ name, args, line, column }: Directive): string {
  return JSON.stringify([name, args, line, column])
}

test('every directive of the input is mapped, listed without effect, or a fault', async () => {
  assert(property(MUTANT, text => {
    const { directives, fault } = parseNginx(text, 'nginx.conf')
    const { outcomes, faults, yaml } = importText(text)

    const spoken = new Map(outcomes.map(({ directive, kind }) => [key(directive), kind]))
    const input = directives.flatMap(withDescendants)
    if (!input.every(directive => spoken.has(key(directive)))) return false
    // A fault in the account is a fault in the answer, and then there is no result.
    const faulty = outcomes.some(({ kind }) => kind === 'fault')
    if ((faulty || fault !== null) !== faults.some(({ line }) => line > 0)) return false
    return faults.length === 0 ? yaml !== '' : yaml === ''
  }), { numRuns: 300 })
})

test('each directive without effect is listed in the result with its line, or stands in a block that is', async () => {
  assert(property(MUTANT, text => {
    const { outcomes, yaml } = importText(text)
    if (yaml === '') return true
    const idle = outcomes.filter(({ kind }) => kind === 'none').map(({ directive }) => directive)
    const listed = idle.filter(directive => yaml.includes(`#   line ${directive.line}: ${directive.name}`))
    const inside = new Set(listed.flatMap(directive => withDescendants(directive)))
    return idle.every(directive => inside.has(directive))
  }), { numRuns: 300 })
})

test('what is imported without a fault is YAML that loads', async () => {
  assert(property(MUTANT, text => {
    const { yaml } = importText(text)
    if (yaml === '') return true
    if (parseDocument(yaml).errors.length > 0) return false
    const loaded = loadConfig(yaml, { file: 'router.yaml', env: {}, cpus: 1, readFile: () => '' })
    if (loaded.faults !== undefined) throw new Error(JSON.stringify(loaded.faults))
    return true
  }), { numRuns: 300 })
})

test('any text at all is imported or refused with places inside it', async () => {
  assert(property(oneof(string({ maxLength: 300 }), array(STATEMENT, { maxLength: 6 }).map(all => `http { server { ${all.join('\n')} } }`)), text => {
    const lines = text.split('\n').length
    const { faults, yaml } = importText(text)
    return faults.every(({ line, column }) => line >= 0 && line <= lines && column >= 0) && (faults.length === 0) === (yaml !== '')
  }), { numRuns: 500 })
})

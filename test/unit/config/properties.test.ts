/** Whatever text a file holds, it gives a configuration or faults with a place in it. */
import { test } from 'tap'
import * as fc from 'fast-check'
import { router } from '../../../src/config/schema.ts'
import type { ValueType } from '../../../src/config/schema/types.ts'
import { load } from '../../helpers/configuration.ts'

function namesIn (type: ValueType): string[] {
  if (type.kind === 'section') return Object.keys(type.options).concat(Object.values(type.options).flatMap(option => namesIn(option.type)))
  if (type.kind === 'list') return namesIn(type.items)
  return type.kind === 'map' ? namesIn(type.values) : []
}

const name = fc.constantFrom('<<', '1', 'web', '__proto__', ...namesIn(router))
const scalar = fc.oneof(
  fc.constantFrom('off', 'true', '~', '', '5', '5s', '100MiB', '80', '"80"', 'web', 'ui', '/', '~ ^/a', '/rum/x', 'https://rum.example', '${A}', '${A:-80}', '*a', '&a 5s', '!x', '<a>', '[]', '{}', '\'', '"', '|', '>-', '# c', '- x'),
  fc.string({ maxLength: 8 })
)
const line = fc.tuple(fc.nat({ max: 3 }), fc.constantFrom('', '- ', '- - '), name, scalar)
  .map(([depth, dash, name, scalar]) => `${'  '.repeat(depth)}${dash}${name}: ${scalar}`)
const fileText = fc.oneof(
  fc.array(line, { maxLength: 12 }).map(lines => lines.join('\n')),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.json()
)

function isPlaced (text: string): boolean {
  const { config, faults } = load(text, { env: { A: 'a' } })
  if (config) return Object.isFrozen(config)
  const lines = text.split(/\r\n|\n/)
  return faults.length > 0 && faults.every(({ file, line, column, message }) => {
    const length = lines[line - 1]?.length
    return file === 'router.yaml' && length !== undefined && column >= 1 && column <= length + 1 && message !== ''
  })
}

test('any text is a configuration, or has faults that stand in it', async t => {
  fc.assert(fc.property(fileText, isPlaced), { numRuns: 2000 })
  t.pass('no counterexample')
})

test('a mapped path is in no message, however wrong it is', async t => {
  // Without what would make it a key, an alias or a tag: those are named.
  const path = fc.stringMatching(/^[a-z ?#/|>"'@%-]{0,5}s3cr3t[a-z ?:#/"']{0,5}$/)
  const place = fc.constantFrom(
    'mirror: { endpoint: https://rum.example, default: PATH }',
    'mirror: { endpoint: https://rum.example, projects: { 1: PATH } }',
    'mirror: { endpoint: https://rum.example, projects: PATH }',
    'mirror: { endpoint: PATH }',
    'mirror: PATH',
    'mirror:\n  default: PATH\n',
    'mirror:\n  default: PATH\n  endpoint: https://rum.example\n',
    'mirror:\n  projects:\n    1: PATH\n  endpoint: https://rum.example\n'
  )
  const spelling = fc.constantFrom((path: string) => path, JSON.stringify)

  fc.assert(fc.property(path, place, spelling, (path, place, spell) => {
    const { faults = [] } = load(place.replace('PATH', () => spell(path)))
    return faults.every(({ message }) => !message.includes('s3cr3t'))
  }), { numRuns: 2000 })
  t.pass('no counterexample')
})

/** Whatever text a file holds, it gives a configuration or faults with a place in it. */
import { test } from 'tap'
import fc from 'fast-check'
import { router } from '../../../src/config/schema.ts'
import type { ValueType } from '../../../src/config/schema/types.ts'
import { load } from '../../helpers/configuration.ts'

function namesIn (type: ValueType): string[] {
  if (type.kind === 'section') return Object.entries(type.options).flatMap(([name, option]) => [name, ...namesIn(option.type)])
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
  const secret = fc.stringMatching(/^[a-z ?#/]*s3cr3t[a-z ?#/]*$/)
  const place = fc.constantFrom(
    (path: string) => `{ endpoint: https://rum.example, default: ${path} }`,
    (path: string) => `{ endpoint: https://rum.example, projects: { 1: ${path} } }`,
    (path: string) => `{ endpoint: https://rum.example, projects: ${path} }`,
    (path: string) => `{ endpoint: ${path} }`,
    (path: string) => path
  )

  fc.assert(fc.property(secret, place, (path, place) => {
    const { faults = [] } = load(`mirror: ${place(JSON.stringify(path))}`)
    return faults.every(({ message }) => !message.includes('s3cr3t'))
  }))
  t.pass('no counterexample')
})

import * as fc from 'fast-check'
import { test } from 'tap'
import { QueryError, readListRequest, readSelection } from '../../../src/admin/dead-letter-query.ts'

const field = fc.constantFrom('ids', 'project', 'reason', 'older_than', 'all', 'limit', 'after', 'al', 'constructor', '__proto__')
const value = fc.oneof(fc.constantFrom<unknown>(true, false, null, '', '1', '400', '1h', '0s', 'soon', '0'.repeat(32), [], ['0'.repeat(32)], [1], {}), fc.jsonValue())
const body = fc.oneof(fc.dictionary(field, value, { maxKeys: 4 }), fc.jsonValue())

test('nothing but "all" means every dead letter, whatever the JSON', async t => {
  fc.assert(fc.property(body, sent => {
    try {
      const query = readSelection(sent)
      return Object.keys(query).length > 0 || (sent as { all?: unknown }).all === true
    } catch (error) {
      return error instanceof QueryError
    }
  }), { numRuns: 1000 })
  t.pass('no counterexample')
})

test('whatever is asked of a list, its page is bounded or the request is wrong in words', async t => {
  fc.assert(fc.property(fc.dictionary(field, fc.oneof(fc.string(), fc.constantFrom('1', '1000', '1001', '1h'))), fields => {
    try {
      const { limit } = readListRequest(fields, ['project', 'reason', 'older_than'])
      return Number.isInteger(limit) && limit >= 1 && limit <= 1000
    } catch (error) {
      return error instanceof QueryError
    }
  }), { numRuns: 500 })
  t.pass('no counterexample')
})

import { test } from 'tap'
import { connectionsFor, openFilesWarnings, readOpenFilesLimit } from '../../../src/process/open-files.ts'
import { configOf } from '../../helpers/configuration.ts'

test('clients alone cannot use up the descriptors: each leaves one for its upstream', async t => {
  for (const files of [256, 1024, 4096, 65_536]) t.ok(2 * connectionsFor(files, 64) <= files - 128, `${files}`)
  t.equal(connectionsFor(1024, 64), 416)
  t.equal(connectionsFor(16, 64), 1, 'whoever starts it so gets one')
  t.equal(connectionsFor(Infinity, 64), Infinity)
})

test('a limit of open files below what the configuration promises is warned of', async t => {
  t.match(openFilesWarnings(configOf(''), 1024), [/^client\.max_connections is 16384, but a process may open 1024 files, enough for 448 connections; raise that limit/])
  t.strictSame(openFilesWarnings(configOf(''), 65_536), [])
  t.strictSame(openFilesWarnings(configOf('client: { max_connections: 400 }'), 1024), [])
  t.strictSame(openFilesWarnings(configOf(''), Infinity), [])
})

test('the limit of this process can be read', { skip: process.platform !== 'linux' }, async t => {
  t.ok(readOpenFilesLimit() > 0)
})

